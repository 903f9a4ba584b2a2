package engine

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// exception is a fault in ClickHouse's words: "Code: 60. DB::Exception: Unknown table … (UNKNOWN_TABLE)". Clients
// branch on the number.
type exception struct{ text string }

func (e *exception) Error() string { return strings.TrimSpace(e.text) }

var codeIn = regexp.MustCompile(`^\s*Code:\s*(\d+)\.`)

// code is ClickHouse's number for the fault; 1002 (UNKNOWN_EXCEPTION) when the text names none.
func (e *exception) code() int {
	if m := codeIn.FindStringSubmatch(e.text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return 1002
}

// Numbers of ClickHouse's faults that this handler raises itself or branches on (src/Common/ErrorCodes.cpp).
const (
	codeBadArguments   = 36
	codeNotImplemented = 48
	codeUnknownSetting = 115
	codeTooLarge       = 307 // TOO_MANY_BYTES
	codeUnauthorized   = 516
)

func fault(code int, name, format string, args ...any) *exception {
	return &exception{text: fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, fmt.Sprintf(format, args...), name)}
}

// asException gives any error ClickHouse's shape.
func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	return fault(1001, "STD_EXCEPTION", "%v", err)
}

// errNoStream: the engine streams SELECT alone, and says so before it has done anything.
func errNoStream(err error) bool {
	var e *exception
	return errors.As(err, &e) && e.code() == codeBadArguments && strings.Contains(e.text, "Streaming query is not supported")
}

// status is the HTTP status that ClickHouse gives with a fault (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp).
func (e *exception) status() int {
	switch e.code() {
	case 192, 193, 194: // unknown user, wrong password, password required
		return http.StatusUnauthorized
	case 291, 497, codeUnauthorized: // no access
		return http.StatusForbidden
	case 2, 6, 26, 27, 36, 38, 41, 42, 43, 44, 53, 62, 70, 72, 117, 130, 131, 349, 441, 456, 457: // cannot be read
		return http.StatusBadRequest
	case 1, 16, 46, 47, 50, 56, 60, 73, 81, codeUnknownSetting: // nothing of that name
		return http.StatusNotFound
	case 396, codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	case 159, 160: // a limit of time
		return http.StatusRequestTimeout
	default:
		return http.StatusInternalServerError
	}
}
