package framing

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// queued is how many bytes the kernel holds that the client has not acknowledged, if that is known.
func queued(c net.Conn) (n int, ok bool) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return 0, false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, false
	}
	if controlErr := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); controlErr != nil {
		return 0, false
	}
	return n, err == nil
}
