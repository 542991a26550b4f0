package refusal

import "net/http"

// Errors of Proxy-Status (RFC 9209, section 2.3).
const (
	// The intermediary rejected the request by its configuration or policy; it was not forwarded.
	requestDenied = "http_request_denied"
	// The intermediary generates a 4xx on the origin's behalf; 400, 413 and 415 are among those that the RFC names.
	requestError = "http_request_error"
	// An internal error of the intermediary, unrelated to the origin: its store.
	internalError = "proxy_internal_error"
	// The next hop is considered to be unavailable. The guard cannot tell its finer kinds from each other reliably.
	unavailable = "destination_unavailable"
	// The intermediary reached a time limit of its own while it waited for the response.
	responseTimeout = "http_response_timeout"
)

const (
	saveLater  = "changes cannot be saved right now, please try again in a moment"
	notApplied = " The request was not forwarded. Send it again after the time in Retry-After."
	readAgain  = " The request was not forwarded. After the time in Retry-After, read the resource again and send your change with its new ETag."
)

// Advice for more than one reason. Where the write may have been applied, none says that it was not.
const (
	sendAgain  = "Nothing was saved. Wait a moment and send it again."
	tellOthers = "Nothing was saved, and sending it again will not help. Keep a copy of what you entered, and tell whoever looks after this application."
	checkFirst = "Wait a moment, then open the page anew. If you were saving a change, check whether it is there before you send it again."
)

// readableTypes are the types of bodies that the guard can read. [Unsupported] names them in Accept (RFC 9110, section 15.5.16).
const readableTypes = "application/json, application/merge-patch+json, application/x-www-form-urlencoded"

// table is an array, so that a reason without a row shows in the tests. None has the row of a refusal that the guard
// should not have made: an error of the proxy's own.
var table = [end]row{
	None: {
		conflict: http.StatusInternalServerError, rfc9110: http.StatusInternalServerError, family: "internal",
		title:      "The proxy failed",
		detail:     "The proxy refused the request without a reason, which is an error of the proxy.",
		message:    saveLater,
		advice:     checkFirst,
		proxyError: internalError,
	},
	Stale: {
		name: "stale", conflict: http.StatusConflict, rfc9110: http.StatusPreconditionFailed, family: "conflict",
		title: "The resource has changed since you read it",
		// What disclose: never shows for Exists and Absent too: it must be true of them.
		detail:     "The precondition that you sent does not hold. Read the resource again, apply your change, send it with the new ETag.",
		sent:       "the resource is now at another version. Read it again, apply your change, send it with the new ETag.",
		message:    "document was modified by another user",
		advice:     "Nothing was saved. Go back, keep a copy of what you entered, reload the page and apply your change again.",
		proxyError: requestDenied, showsTheCurrent: true,
	},
	Missing: {
		name: "missing", conflict: http.StatusConflict, rfc9110: http.StatusPreconditionRequired, family: "conflict",
		title: "The request does not say which version it changes",
		detail: "Read the resource, apply your change, send it with the ETag that you got as If-Match; " +
			"to create a resource, send If-None-Match: *. (If-Match: * names no version, and If-Unmodified-Since only a second.)",
		message:    "change does not say which version of the document it was made from",
		advice:     tellOthers,
		proxyError: requestDenied,
	},
	Exists: {
		name: "exists", conflict: http.StatusConflict, rfc9110: http.StatusPreconditionFailed, family: "conflict",
		title:      "The resource exists already",
		detail:     "You sent If-None-Match: *, but the resource exists. To change it, read it and send your change with its ETag as If-Match.",
		message:    "document exists already",
		advice:     "Nothing was saved. Go back and choose another name, or open what exists and apply your change there.",
		proxyError: requestDenied, showsTheCurrent: true,
	},
	Absent: {
		name: "absent", conflict: http.StatusConflict, rfc9110: http.StatusPreconditionFailed, family: "conflict",
		title:      "The resource does not exist",
		detail:     "You sent If-Match, but the resource does not exist. To create it, send If-None-Match: * instead.",
		sent:       "the resource does not exist. To create it, send If-None-Match: * instead.",
		message:    "document does not exist",
		advice:     "Nothing was saved. Go back and keep a copy of what you entered: if the document was deleted, you may have to create it anew.",
		proxyError: requestDenied,
	},
	Duplicate: {
		name: "duplicate", conflict: http.StatusConflict, rfc9110: http.StatusConflict, family: "conflict",
		title:      "A resource with the same values exists already",
		detail:     "Another resource has the same values already, and they must be unique. The request was not forwarded.",
		message:    "an entry with the same values exists already",
		advice:     "Nothing was saved. Go back and choose other values, or open what exists and apply your change there.",
		proxyError: requestDenied, ofRule: true,
	},
	Transition: {
		name: "transition", conflict: http.StatusConflict, rfc9110: http.StatusConflict, family: "conflict",
		title:      "The present state does not allow this step",
		detail:     "The step is not allowed from the present state of the resource. The request was not forwarded.",
		message:    "document is not in a state that allows this step",
		advice:     "Nothing was saved. Go back, keep a copy of what you entered, and reload the page to see the present state.",
		proxyError: requestDenied, ofRule: true,
	},
	Rule: {
		name: "rule", conflict: http.StatusConflict, rfc9110: http.StatusConflict, family: "conflict",
		title:   "A rule does not allow the request",
		detail:  "A rule of this resource does not allow the request. The request was not forwarded.",
		message: "change is not allowed as things are now",
		advice: "Nothing was saved. Go back, keep a copy of what you entered, and see to what stands in the way; " +
			"if you cannot tell what does, ask whoever looks after this application.",
		proxyError: requestDenied, ofRule: true,
	},
	Busy: {
		name: "busy", conflict: http.StatusConflict, rfc9110: http.StatusConflict, family: "conflict",
		title:      "Another write to the resource is under way",
		detail:     "Another write to the resource is under way, and its outcome is not known yet." + notApplied,
		message:    "document is being modified by another user, please try again in a moment",
		advice:     sendAgain,
		proxyError: requestDenied, retry: true,
	},
	Reused: {
		name: "reused", conflict: http.StatusUnprocessableEntity, rfc9110: http.StatusUnprocessableEntity, family: "conflict",
		title: "The Idempotency-Key came with another request before",
		detail: "The Idempotency-Key of the request came with another request before, and stands for that one. The request was not forwarded. " +
			"Send it with a key of its own; to repeat the earlier one, send that word for word.",
		message: "another change was sent with the same key before",
		advice: "Nothing was saved this time. Keep a copy of what you entered, open the page anew, see whether what you sent before is there, " +
			"and enter the rest again.",
		proxyError: requestDenied,
	},
	InDoubt: {
		name: "in_doubt", conflict: http.StatusConflict, rfc9110: http.StatusConflict, family: "conflict",
		title: "Nobody knows whether the first attempt was applied",
		detail: "An earlier request with this Idempotency-Key was forwarded, and nobody knows whether it was applied. This one was not forwarded. " +
			"Look whether the earlier one was applied, and send what is left to do with a new key.",
		message: "change was sent before, and may or may not have been saved",
		advice: "Sending it again will not help. Keep a copy of what you entered, open the page anew, and check whether your change is there; " +
			"if it is not, enter it again.",
		proxyError: requestDenied,
	},
	Unversioned: {
		name: "unversioned", conflict: http.StatusConflict, rfc9110: http.StatusPreconditionRequired, family: "conflict",
		title:      "The resource shows no version",
		detail:     "The backend shows no version of the resource, so nobody can say from which version your change was made. The request was not forwarded.",
		message:    "document has no version, so it cannot be changed safely",
		advice:     tellOthers,
		proxyError: requestDenied,
	},
	Malformed: {
		name: "malformed", conflict: http.StatusBadRequest, rfc9110: http.StatusBadRequest, family: "bad_request",
		title:      "The request is malformed",
		detail:     "A precondition, the path or a parameter of the request is malformed.",
		message:    "request is malformed",
		advice:     "Nothing was saved. Keep a copy of what you entered and send it again; if that does not help, tell whoever looks after this application.",
		proxyError: requestError,
	},
	Unsupported: {
		name: "unsupported", conflict: http.StatusUnsupportedMediaType, rfc9110: http.StatusUnsupportedMediaType, family: "bad_request",
		title: "The request body is of a type that cannot be read",
		detail: "The body must be read to decide about the request, and it is of a type that cannot be. " +
			"Types that can: " + readableTypes + ". The request was not forwarded.",
		message:    "document is of a type that cannot be read here",
		advice:     tellOthers,
		proxyError: requestError,
	},
	TooLarge: {
		name: "too_large", conflict: http.StatusRequestEntityTooLarge, rfc9110: http.StatusRequestEntityTooLarge, family: "too_large",
		title:      "The request body is too large",
		detail:     "The body of the request is larger than the proxy takes here. The request was not forwarded.",
		message:    "document is too large",
		advice:     "Nothing was saved. Go back, make it smaller and send it again.",
		proxyError: requestError,
	},
	Slow: {
		name: "slow", conflict: http.StatusRequestTimeout, rfc9110: http.StatusRequestTimeout, family: "bad_request",
		title:      "The request body did not come in time",
		detail:     "The body of the request did not come to its end in the time that the proxy gives it. The request was not forwarded.",
		message:    "document took too long to arrive",
		advice:     "Nothing was saved. Check your connection, go back and send it again; if that does not help, make it smaller.",
		proxyError: requestError,
	},
	Closed: {
		name: "closed", conflict: http.StatusForbidden, rfc9110: http.StatusForbidden, family: "forbidden",
		title: "This way to the resource is closed",
		detail: "The proxy forwards no requests here, because they would go around the check of versions. " +
			"Send them to the address at which the resource is read and written.",
		message:    "document cannot be reached this way",
		advice:     "Nothing was saved. Go back and take the usual way to the document; if there is none, tell whoever looks after this application.",
		proxyError: requestDenied,
	},
	Store: {
		name: "store", conflict: http.StatusServiceUnavailable, rfc9110: http.StatusServiceUnavailable, family: "unavailable",
		title:      "The proxy cannot check the version now",
		detail:     "The store of versions does not answer." + readAgain,
		message:    saveLater,
		advice:     sendAgain,
		proxyError: internalError, retry: true,
	},
	Grace: {
		name: "grace", conflict: http.StatusServiceUnavailable, rfc9110: http.StatusServiceUnavailable, family: "unavailable",
		title:      "The proxy waits for writes that it may have forgotten",
		detail:     "The store of versions began anew, and writes from before may still be under way." + readAgain,
		message:    saveLater,
		advice:     sendAgain,
		proxyError: requestDenied, retry: true,
	},
	Overloaded: {
		name: "overloaded", conflict: http.StatusServiceUnavailable, rfc9110: http.StatusServiceUnavailable, family: "unavailable",
		title:      "The proxy has no memory left for the request",
		detail:     "The proxy holds as much of other requests and answers in memory as it may." + notApplied,
		message:    saveLater,
		advice:     sendAgain,
		proxyError: requestDenied, retry: true,
	},
	Unverifiable: {
		name: "unverifiable", conflict: http.StatusServiceUnavailable, rfc9110: http.StatusServiceUnavailable, family: "unavailable",
		title:      "The present version cannot be determined",
		detail:     "The backend was asked for the present version of the resource, and its answer shows none." + notApplied,
		message:    saveLater,
		advice:     sendAgain,
		proxyError: requestDenied, retry: true,
	},
	Backend: {
		name: "backend", conflict: http.StatusBadGateway, rfc9110: http.StatusBadGateway, family: "bad_gateway",
		title:      "The backend gave no answer",
		detail:     "The backend gave no answer. The request may have been applied: read the resource before you send it again.",
		message:    "server did not answer, please check whether your change was saved",
		advice:     checkFirst,
		proxyError: unavailable,
	},
	Timeout: {
		name: "timeout", conflict: http.StatusGatewayTimeout, rfc9110: http.StatusGatewayTimeout, family: "timeout",
		title:      "The backend gave no answer in time",
		detail:     "The backend gave no answer in time. The request may still be applied: read the resource before you send it again.",
		message:    "server did not answer in time, please check whether your change was saved",
		advice:     checkFirst,
		proxyError: responseTimeout,
	},
}
