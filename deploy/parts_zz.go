package deploy

import "context"

func (a *App) startBridge(context.Context) error { return nil }
func (a *App) startDemo(context.Context) error   { return nil }
