package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
)

// overridden does what Rack::MethodOverride does: a POST whose form or header names another method is that method.
func overridden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = r.ParseMultipartForm(1 << 20) // what is no form has no fields
			method := r.PostFormValue("_method")
			if method == "" {
				method = r.Header.Get("X-Http-Method-Override")
			}
			switch method = strings.ToUpper(method); method {
			case http.MethodPut, http.MethodPatch, http.MethodDelete:
				r.Method = method
			}
		}
		next.ServeHTTP(w, r)
	})
}

// tagged does what Rack::ETag and Rack::ConditionalGet do: it digests whatever is answered, and spares the client what it has.
func tagged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		if answer.Code == http.StatusOK || answer.Code == http.StatusCreated {
			sum := sha256.Sum256(answer.Body.Bytes())
			tag := `W/"` + hex.EncodeToString(sum[:16]) + `"`
			w.Header().Set("ETag", tag)
			if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // a client that has gone needs no answer
	})
}
