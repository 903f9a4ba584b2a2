package notify

import (
	"net/http"
	"time"
)

// What the outbox, which hands to machines what notify tells people, says in the same words.

// InWords words an error of the network without any address or token. within is how long the try was given.
func InWords(err error, within time.Duration) string { return troubleOf(err, within).words }

// RetryAfter reads how long a server wants to be left alone; 0: as one likes.
func RetryAfter(h http.Header) time.Duration { return retryAfter(h) }
