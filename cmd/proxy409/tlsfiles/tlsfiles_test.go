package tlsfiles_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proxy409/cmd/proxy409/tlsfiles"
	"proxy409/cmd/proxy409/tlsfiles/tlstest"
)

const (
	readAgain = "were read again"
	unusable  = "stays in use"
)

func TestANewCertificateIsShownWhenItsFilesAreReplaced(t *testing.T) {
	s := serve(t, nil)
	next := s.authority.Issue(t, name)
	next.Write(t, s.dir, "tls")
	s.again(1)
	s.shows(next)
	s.again(3)
	if n := s.log.count(readAgain); n != 1 || s.log.count(unusable) != 0 {
		t.Errorf("%d readings are logged, want one, and no complaint:\n%s", n, s.log.text.String())
	}
}

// Kubernetes writes a secret's files to a new folder, and turns a symbolic link to it.
func TestANewCertificateIsShownWhenALinkIsTurned(t *testing.T) {
	turn := func(s *served, to string, p tlstest.Pair) {
		folder := filepath.Join(s.dir, to)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		p.Write(t, folder, "tls")
		if err := os.Symlink(to, filepath.Join(s.dir, "..data.next")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(s.dir, "..data.next"), filepath.Join(s.dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	s := serve(t, func(s *served) {
		turn(s, "first", s.authority.Issue(t, name))
		for _, file := range []*string{&s.options.CertFile, &s.options.KeyFile} {
			if err := os.Remove(*file); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join("..data", filepath.Base(*file)), *file); err != nil {
				t.Fatal(err)
			}
		}
	})
	next := s.authority.Issue(t, name)
	turn(s, "second", next)
	s.again(1)
	s.shows(next)
}

func TestFilesThatCannotBeUsedChangeNothing(t *testing.T) {
	for what, spoil := range map[string]func(t *testing.T, s *served){
		"the key of another": func(t *testing.T, s *served) {
			tlstest.Replace(t, s.options.KeyFile, s.authority.Issue(t, name).Key)
		},
		"the certificate of another": func(t *testing.T, s *served) {
			tlstest.Replace(t, s.options.CertFile, s.authority.Issue(t, name).Cert)
		},
		"no key file": func(t *testing.T, s *served) {
			if err := os.Remove(s.options.KeyFile); err != nil {
				t.Fatal(err)
			}
		},
		"an empty certificate file": func(t *testing.T, s *served) { tlstest.Replace(t, s.options.CertFile, nil) },
		"half a certificate": func(t *testing.T, s *served) {
			text, err := os.ReadFile(s.options.CertFile)
			if err != nil {
				t.Fatal(err)
			}
			tlstest.Replace(t, s.options.CertFile, text[:len(text)/2])
		},
		"clients' authorities that are none": func(t *testing.T, s *served) {
			tlstest.Replace(t, s.options.CAFile, []byte("soon"))
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := serve(t, func(s *served) {
				s.options.CAFile = filepath.Join(s.dir, "ca.crt")
				tlstest.Replace(t, s.options.CAFile, s.authority.Cert)
			})
			before, err := s.files.Content()
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, s)
			if err := s.files.Read(); err == nil {
				t.Fatal("they can be used")
			}
			s.again(5)
			if n := s.log.count(unusable); n != 1 {
				t.Errorf("it is logged %d times, want once", n)
			}
			after, err := s.files.Content()
			if err != nil || after.Certificate != before.Certificate {
				t.Errorf("what was in use is not in use any more (%v)", err)
			}
			next := s.authority.Issue(t, name)
			next.Write(t, s.dir, "tls")
			tlstest.Replace(t, s.options.CAFile, s.authority.Cert)
			s.again(1)
			if n := s.log.count(readAgain); n != 1 {
				t.Errorf("that they are good again is logged %d times", n)
			}
		})
	}
}

// Between the two files of a pair that is being replaced, the one does not fit the other.
func TestAPairThatIsBeingReplacedIsNoReasonToComplain(t *testing.T) {
	s := serve(t, nil)
	next := s.authority.Issue(t, name)
	tlstest.Replace(t, s.options.CertFile, next.Cert)
	if err := s.files.Read(); err == nil {
		t.Fatal("the new certificate fits the old key")
	}
	s.tick <- time.Time{}
	tlstest.Replace(t, s.options.KeyFile, next.Key)
	s.again(1)
	s.shows(next)
	if s.log.count(unusable) != 0 {
		t.Errorf("it complains:\n%s", s.log.text.String())
	}
}

func TestErrorsNameTheFilesAndShowNoKey(t *testing.T) {
	dir := t.TempDir()
	a := tlstest.NewAuthority(t, "test")
	cert, key := a.Issue(t, name).Write(t, dir, "good")
	_, otherKey := a.Issue(t, name).Write(t, dir, "other")
	nowhere, pkcs8, pkcs1 := filepath.Join(dir, "nowhere.pem"), filepath.Join(dir, "pkcs8.pem"), filepath.Join(dir, "pkcs1.pem")
	tlstest.Replace(t, pkcs8, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"))
	tlstest.Replace(t, pkcs1, []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n"))
	for _, c := range []struct {
		options tlsfiles.Options
		parts   []string
	}{
		{tlsfiles.Options{CertFile: nowhere, KeyFile: key}, []string{nowhere, "no such file"}},
		{tlsfiles.Options{CertFile: cert, KeyFile: nowhere}, []string{nowhere, "no such file"}},
		{tlsfiles.Options{CAFile: nowhere}, []string{nowhere, "no such file"}},
		{tlsfiles.Options{CAFile: key}, []string{key, "no certificate"}},
		{tlsfiles.Options{CAFile: "/dev/zero"}, []string{"/dev/zero", "more than"}},
		{tlsfiles.Options{CertFile: key, KeyFile: cert}, []string{key, "no certificate"}},
		{tlsfiles.Options{CertFile: cert, KeyFile: pkcs8}, []string{pkcs8, "is encrypted", "passphrase"}},
		{tlsfiles.Options{CertFile: cert, KeyFile: pkcs1}, []string{pkcs1, "is encrypted", "passphrase"}},
		{tlsfiles.Options{CertFile: cert, KeyFile: otherKey}, []string{cert, otherKey, "together", "does not match"}},
	} {
		c.options.Section = "upstream_tls"
		f := tlsfiles.New(c.options)
		err := f.Read()
		if err == nil {
			t.Errorf("%+v is good", c.options)
			continue
		}
		for _, part := range c.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is missing in: %v", part, err)
			}
		}
		if strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("it shows a key: %v", err)
		}
		if _, again := f.Handshake(t.Context(), nil, name); again == nil || again.Error() != "upstream_tls: "+err.Error() {
			t.Errorf("a handshake says %v", again)
		}
		if _, err := f.Server(); err == nil {
			t.Error("there is a configuration for listeners all the same")
		}
	}
}

func TestOnReadIsToldOfWhatIsInUse(t *testing.T) {
	var told []time.Time
	s := serve(t, func(s *served) {
		s.options.OnRead = func(c tlsfiles.Content) { told = append(told, c.Expiry()) }
	})
	soon := time.Now().Add(time.Minute).Truncate(time.Second)
	s.authority.IssueLeaf(t, tlstest.Leaf{Names: []string{name}, NotAfter: soon}).Write(t, s.dir, "tls")
	s.again(3)
	if len(told) != 2 || !told[1].Equal(soon) || !told[0].After(soon) {
		t.Errorf("told %v, want two, the second %v", told, soon)
	}
}
