package framing

// What is found wrong, each once per connection, as Options.OnRefused is told. The words are fit for a metric's label.
const (
	BareCR           = "bare CR"           // a CR that no LF follows
	BareLF           = "bare LF"           // an LF that follows no CR
	RequestLine      = "request line"      // not METHOD SP TARGET SP VERSION, or an empty line too many before it
	Target           = "target"            // no form of target that the method can have
	Version          = "version"           // neither HTTP/1.1 nor HTTP/1.0
	Folding          = "folding"           // a line of the header or trailer section that begins with white space
	FieldName        = "field name"        // not a token right before the colon
	FieldValue       = "field value"       // a control character
	Host             = "host"              // none, two, none that is a host with a port, or not that of the target
	ContentLength    = "content-length"    // two, a list, or not a number of 63 bits
	TransferEncoding = "transfer-encoding" // two, not chunked alone, or not in HTTP/1.1
	TwoFramings      = "two framings"      // Content-Length and Transfer-Encoding
	Alias            = "alias"             // a name that some servers take for Content-Length or Transfer-Encoding
	Connect          = "connect"           // a CONNECT with a body
	ChunkSize        = "chunk size"        // not a hexadecimal number of 63 bits
	ChunkExtension   = "chunk extension"   // not by the grammar, or too long
	ChunkEnd         = "chunk end"         // no CRLF after a chunk
	Trailer          = "trailer"           // a field that says how the message is framed or routed, or too many bytes
)
