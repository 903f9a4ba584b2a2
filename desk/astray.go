package desk

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/streams"
)

// What meets no operation is answered as every error of the API is: a path that is not there, a method that a path does not have, a
// page of somebody else's, a fault of ours.

// astray answers, for every path of the API, the methods that it does not have, and every other path under /v1/.
func astray(api huma.API, mux *http.ServeMux) {
	for p, item := range api.OpenAPI().Paths {
		allow := strings.Join(slices.Sorted(maps.Keys(methodsOf(item))), ", ")
		mux.HandleFunc(p, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow)
			writeProblem(w, refuse(http.StatusMethodNotAllowed, "method", "此地址不支持 "+r.Method+" 方法", "there is no "+r.Method+" of this path; it has "+allow))
		})
	}
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, _ *http.Request) { writeProblem(w, noPath()) })
}

// NotHere answers the API where there is no desk, or none yet.
func NotHere(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, refuse(http.StatusServiceUnavailable, "no_desk", "此进程没有预警台，或正在启动", "there is no desk in this process, or it is starting; try again in a moment"))
}

func noPath() *Problem {
	return refuse(http.StatusNotFound, "path", "没有这个地址，接口说明见 /openapi.json", "there is no such path; /openapi.json describes those that are")
}

// methodsOf answers the operations of a path by method. net/http answers HEAD by GET.
func methodsOf(item *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{"GET": item.Get, "HEAD": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete, "PATCH": item.Patch}
	maps.DeleteFunc(all, func(_ string, o *huma.Operation) bool { return o == nil })
	return all
}

// straight refuses a path that net/http would send elsewhere, with an empty part or one of dots: no id is like that, and a client
// that follows would ask something else than it meant.
func straight(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; p != path.Clean(p) {
			writeProblem(w, noPath())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// caught answers a panic as an error, when nothing was answered yet; the stack stands in the log.
func caught(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &heardOf{ResponseWriter: w}
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if err, ok := fault.(error); ok && err == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				panic(fault)
			}
			logger.Error("a request ended in a panic", "method", r.Method, "path", r.Pattern, streams.KeyErr, fmt.Sprint(fault), "stack", string(debug.Stack()))
			if out.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			writeProblem(w, refuse(http.StatusInternalServerError, "fault", faultWords(http.StatusInternalServerError)[0], faultWords(http.StatusInternalServerError)[1]))
		}()
		next.ServeHTTP(out, r)
	})
}

// sameOrigin lets no page of somebody else's act for who is signed in.
func sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, refuse(http.StatusForbidden, "origin", "请求来自其他网站，已拒绝", "the request comes from a page of another site"))
	}))
	return protection.Handler(next)
}
