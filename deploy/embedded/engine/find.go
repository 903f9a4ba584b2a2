package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// LibName is the file that npm brings and fetch.sh puts beside the binary, as engine/libchdb.so.
const LibName = "libchdb.so"

// ErrAbsent says that there is no engine to start here. Everything else runs without it; history is off until it is
// fetched or a DSN points to a ClickHouse server.
var ErrAbsent = errors.New("the embedded ClickHouse engine is not here")

// Find answers where the library is: at lib when that is given, else where TOCSIN_ENGINE points, else at
// engine/libchdb.so beside the binary. The error wraps ErrAbsent and says what to do.
func Find(lib string) (string, error) {
	if lib == "" {
		lib = os.Getenv("TOCSIN_ENGINE")
	}
	if lib == "" {
		exe, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("%w: where this program lies is unknown: %w", ErrAbsent, err)
		}
		lib = filepath.Join(filepath.Dir(exe), "engine", LibName)
	}
	info, err := os.Stat(lib)
	switch {
	case err == nil && info.Mode().IsRegular():
		return lib, nil
	case runtime.GOOS != "linux" || runtime.GOARCH != "amd64":
		return "", fmt.Errorf("%w: it is proven on linux/amd64 only, this is %s/%s; point history at a ClickHouse server by DSN",
			ErrAbsent, runtime.GOOS, runtime.GOARCH)
	default:
		return "", fmt.Errorf("%w: no file %s; fetch it (deploy/embedded/engine/fetch.sh) or point history at a ClickHouse server by DSN",
			ErrAbsent, lib)
	}
}
