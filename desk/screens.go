package desk

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed all:web/dist
var dist embed.FS

// screens answers the built pages. A path that is no file is a page of the application, which finds its way by itself; on
// a tree whose screens were not built, the placeholder says how.
func screens() http.Handler {
	root, err := fs.Sub(dist, "web/dist")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	files := http.FileServerFS(root)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if info, err := fs.Stat(root, name); err == nil && !info.IsDir() && name != "index.html" {
			if strings.HasPrefix(name, "assets/") { // their names change with what is in them
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			} else {
				w.Header().Set("Cache-Control", "no-cache")
			}
			files.ServeHTTP(w, r)
			return
		}
		if path.Ext(name) != "" && name != "index.html" {
			http.NotFound(w, r)
			return
		}
		page(w, root)
	})
}

func page(w http.ResponseWriter, root fs.FS) {
	for _, name := range []string{"index.html", "placeholder.html"} {
		if b, err := fs.ReadFile(root, name); err == nil {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(b) // whoever asked has gone
			return
		}
	}
	http.Error(w, "the screens were not built: make screens", http.StatusNotFound)
}
