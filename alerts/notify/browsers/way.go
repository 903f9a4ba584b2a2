package browsers

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"
)

// Message is one message to browsers.
type Message struct {
	Payload []byte
	Topic   string        // one that waits under the same topic is replaced; at most 32 letters, digits, - and _
	Urgency string        // very-low, low, normal, high
	TTL     time.Duration // how long a service keeps it for a browser that is off
}

// Way is how browsers are reached.
type Way struct {
	keys    *Keys
	subject string
	client  *http.Client
	private bool
}

// NewWay makes the way out. subject is who answers for what is pushed, a mailbox or an https address. private lets it go to addresses of
// the house, where a push service of the hospital's own stands, and there without TLS.
func NewWay(keys *Keys, subject string, private bool) *Way {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // what a proxy of the house connects to could not be looked at here
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error { return dialable(address, private) }}).DialContext
	return &Way{keys: keys, subject: strings.TrimPrefix(subject, "mailto:"), private: private,
		client: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// ErrPrivate is wrapped when an endpoint leads into the house: a page could have a desk knock at doors that are not its own.
var ErrPrivate = errors.New("it leads to an address that is not public")

// dialable is asked once a name has become an address, so that no name can lead elsewhere than it was looked at.
func dialable(address string, private bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	if !private && !public(ip) {
		return ErrPrivate
	}
	return nil
}

// notPublic are ranges beside those that netip knows (IANA special-purpose registries): shared, of protocols, of benchmarks, reserved, and
// those through which a v6 address is a v4 one.
var notPublic = func() (all []netip.Prefix) {
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fec0::/10"} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// maxEndpoint is the longest endpoint that is taken, in bytes.
const maxEndpoint = 2048

// Check tells what is wrong with what a page says of its browser. It does not repeat it.
func (w *Way) Check(b Browser) error {
	u, err := url.Parse(b.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || len(b.Endpoint) > maxEndpoint:
		return errors.New("the endpoint is no address")
	case u.Scheme != "https" && (!w.private || u.Scheme != "http"):
		return errors.New("the endpoint does not speak https")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !w.private && !public(ip) {
		return fmt.Errorf("the endpoint: %w", ErrPrivate)
	}
	if name := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."); !w.private && (name == "localhost" || strings.HasSuffix(name, ".localhost") || !strings.ContainsAny(name, ".:")) {
		return fmt.Errorf("the endpoint: %w", ErrPrivate)
	}
	point, err := base64.RawURLEncoding.DecodeString(b.P256dh)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(point)
	}
	if err != nil {
		return errors.New("p256dh is no public key")
	}
	if auth, err := base64.RawURLEncoding.DecodeString(b.Auth); err != nil || len(auth) != 16 {
		return errors.New("auth is no 16 bytes")
	}
	return nil
}

// Post hands a message for one browser to its push service. The caller closes the answer's body.
func (w *Way) Post(ctx context.Context, b Browser, m Message) (*http.Response, error) {
	if err := w.Check(b); err != nil { // the settings may have changed since it was turned on
		return nil, err
	}
	payload := slices.Clip(m.Payload) // the library pads in what is behind it, which several browsers share
	return webpush.SendNotificationWithContext(ctx, payload, &webpush.Subscription{Endpoint: b.Endpoint, Keys: webpush.Keys{Auth: b.Auth, P256dh: b.P256dh}}, &webpush.Options{
		HTTPClient: w.client, Subscriber: w.subject, Topic: m.Topic, TTL: int(m.TTL.Seconds()), Urgency: webpush.Urgency(m.Urgency),
		VAPIDPublicKey: w.keys.public, VAPIDPrivateKey: w.keys.private,
	})
}

// MaxPayload is the longest message in bytes: services take 4,096 sealed (RFC 8030, 7.2).
const MaxPayload = 3900

// Public is the key that a browser is told when it is turned on.
func (w *Way) Public() string { return w.keys.Public() }

// Seal encrypts where a browser is reached, for its account.
func (w *Way) Seal(account string, b Browser) ([]byte, error) { return w.keys.Seal(account, b) }

// Open decrypts what Seal made.
func (w *Way) Open(id, account string, sealed []byte) (Browser, error) {
	return w.keys.Open(id, account, sealed)
}
