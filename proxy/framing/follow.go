package framing

// follower follows the framing of the requests on one connection. It keeps a few words and never a line, so that what a
// client sends costs no memory here.
type follower struct {
	// step reads the beginning of b, at least one byte if it does not change step, and returns how many bytes are
	// sound. Fewer than len(b) means that another step has its turn, or that problem is set.
	step    func(f *follower, b []byte) int
	problem string

	message
	target []byte // the authority that an absolute target or a CONNECT has, in small letters; empty otherwise
}

// message is what is known of the message that is being read.
type message struct {
	word [longestWord]byte // the beginning of the method, field name or coding that is being read
	n    int               // its whole length; also that of the version, of a number and of an extension

	after func(f *follower, b []byte) int // the step after an LF

	blank            bool // an empty line came before the request line
	connect, options bool // the method
	minor            byte // of the version

	hosted bool // there is a Host
	host   authority

	length         uint64 // the Content-Length
	sized, chunked bool   // there is a Content-Length, a Transfer-Encoding
	padded         bool   // white space came after the value; for an extension: its = came

	left     uint64 // of the body or chunk, in bytes
	trailing bool   // in the trailer section
	trailed  int    // bytes of the trailer section
}

// longestWord is one more than the longest word that matters, Transfer-Encoding.
const longestWord = 18

func newFollower() follower { return follower{step: (*follower).start} }

// follow reads b. It returns how many bytes of it are sound, and what is wrong with the next one if that is not all.
// After that it must not be called any more.
func (f *follower) follow(b []byte) (sound int, problem string) {
	for sound < len(b) {
		n := f.step(f, b[sound:])
		sound += n
		if f.trailing {
			if f.trailed += n; f.trailed > longestTrailer {
				return sound - (f.trailed - longestTrailer), Trailer
			}
		}
		if f.problem != "" {
			return sound, f.problem
		}
	}
	return sound, ""
}

// refuse says that byte i is wrong.
func (f *follower) refuse(i int, problem string) int {
	f.problem = problem
	return i
}

// unexpected says that byte i, which is c, is wrong. If it would end a line, that is what is said.
func (f *follower) unexpected(i int, c byte, problem string) int {
	if c == '\n' {
		problem = BareLF
	}
	return f.refuse(i, problem)
}

// next ends a message. Of what the next one may remember nothing is left.
func (f *follower) next() {
	f.message = message{}
	f.target = f.target[:0]
	f.step = (*follower).start
}

// endOfLine reads the CR at the beginning of b, and the LF behind it if that is there. Otherwise lineFeed has its turn first.
func (f *follower) endOfLine(b []byte, after func(f *follower, b []byte) int) int {
	if len(b) > 1 && b[1] == '\n' {
		f.step = after
		return 2
	}
	f.step, f.after = (*follower).lineFeed, after
	return 1
}

func (f *follower) lineFeed(b []byte) int {
	if b[0] != '\n' {
		return f.refuse(0, BareCR)
	}
	f.step = f.after
	return 1
}

// begin begins a word, or the count of something.
func (f *follower) begin(step func(f *follower, b []byte) int) {
	f.n, f.step = 0, step
}

// collect adds to the word. What is too long for any word that matters is only counted.
func (f *follower) collect(c byte) {
	if f.n < len(f.word) {
		f.word[f.n] = c
	}
	f.n++
}

// collected is the word, if it is short enough to matter, and otherwise something that is none.
func (f *follower) collected() []byte { return f.word[:min(f.n, len(f.word))] }

func (f *follower) is(word string) bool { return string(f.collected()) == word }

// resembles says whether a server that makes one character of all that is neither letter nor digit, as CGI, WSGI and PHP do,
// would take what was collected for word.
func (f *follower) resembles(word string) bool {
	if f.n != len(word) {
		return false
	}
	for i, c := range f.word[:f.n] {
		if c != word[i] && (alphanumeric(c) || alphanumeric(word[i])) {
			return false
		}
	}
	return true
}

// body counts the bytes of a body that has a length.
func (f *follower) body(b []byte) int {
	n := min(uint64(len(b)), f.left)
	if f.left -= n; f.left == 0 {
		f.next()
	}
	return int(n)
}
