package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"proxy409/cmd/proxy409/tlsfiles"
	"proxy409/config"
	"proxy409/proxy"
)

// rereadEvery is how often files of certificates are looked at. They are small, and a stat may lie.
const rereadEvery = time.Second

// section is the files of certificates that one section of the configuration names.
type section struct {
	tlsfiles.Options
	files *tlsfiles.Files
}

// follow makes files of a section, which are read when the instance serves, or by the first handshake.
func (in *instance) follow(path string, o tlsfiles.Options) *tlsfiles.Files {
	o.Section = path
	o.OnRead = func(c tlsfiles.Content) {
		if in.metrics != nil && c.Certificate != nil {
			in.metrics.CertificateExpires(path, c.Expiry())
		}
	}
	files := tlsfiles.New(o)
	in.certificates = append(in.certificates, section{o, files})
	return files
}

// protocols are those of clients and backends, by ALPN.
var protocols = []string{"h2", "http/1.1"}

func (in *instance) frontFiles() *tlsfiles.Files {
	t := in.cfg.TLS
	if t == nil {
		return nil
	}
	return in.follow("tls", tlsfiles.Options{
		CertFile: t.CertFile, KeyFile: t.KeyFile, CAFile: t.ClientCAFile, MinVersion: t.MinVersion, NextProtos: protocols,
	})
}

// transport is the way to backends.
func (in *instance) transport() *http.Transport {
	o := clientOptions(in.cfg.UpstreamTLS)
	o.NextProtos = protocols
	return proxy.NewTLSTransport(in.follow("upstream_tls", o).Handshake)
}

func (in *instance) redisFiles() *tlsfiles.Files {
	return in.follow("store.redis.tls", clientOptions(in.cfg.Store.Redis.TLS))
}

func clientOptions(t config.ClientTLS) tlsfiles.Options {
	return tlsfiles.Options{
		CertFile: t.CertFile, KeyFile: t.KeyFile, CAFile: t.CAFile, MinVersion: t.MinVersion,
		ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify,
	}
}

// readCertificates reads all files of certificates, and reports each section whose files cannot be used.
func (in *instance) readCertificates() error {
	var errs []error
	for _, s := range in.certificates {
		if err := s.files.Read(); err != nil {
			errs = append(errs, in.cfg.Problem(s.Section, err.Error()))
		}
	}
	return errors.Join(errs...)
}

// watchCertificates reads them again now and then, until ctx ends.
func (in *instance) watchCertificates(ctx context.Context, log *slog.Logger) {
	for _, s := range in.certificates {
		go func() {
			tick := time.NewTicker(rereadEvery)
			defer tick.Stop()
			s.files.Watch(ctx, tick.C, log)
		}()
	}
}

// readFiles reads the files that the configuration names, and returns what is weak in them.
func (in *instance) readFiles() ([]config.Warning, error) {
	if err := errors.Join(in.readCertificates(), checkWebConfig(in.cfg)); err != nil {
		return nil, err
	}
	return in.weaknesses(time.Now()), nil
}

// inspect finds what is wrong or weak in the files that the configuration names.
func inspect(cfg *config.Config) ([]config.Warning, error) {
	in, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	weak, err := in.readFiles()
	return weak, errors.Join(err, in.close())
}
