//go:build !linux

package broker

import "errors"

// watcher is Linux's alone; elsewhere kfake syncs by itself.
type watcher struct{}

func watch(string) (*watcher, error) { return nil, errors.ErrUnsupported }

func (*watcher) changes(func(string)) error { return nil }
func (*watcher) close() error               { return nil }
