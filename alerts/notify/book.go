package notify

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// book is the settings, read and checked: who answers for which step, and by which ways.
type book struct {
	desk     string
	zone     *time.Location
	channels map[string]*channel
	people   []*person
	asked    map[string][]*person // by step
	advice   patients
}

// channel is one way out of the house.
type channel struct {
	name, kind string
	perMinute  int
	within     time.Duration
	atOnce     int
	sender     sender
	callback   *callback // nil: it tells nothing
	acceptKey  string
}

// group tells whether a channel reaches a room and nobody in particular.
func (c *channel) group() bool { return c.kind == kindWeCom || c.kind == kindDingTalk }

// reliable tells whether what a channel took may keep the next from being asked.
func (c *channel) reliable() bool { return c.kind != kindWebPush }

// telephone tells whether a channel reaches whoever has a number.
func (c *channel) telephone() bool { return c.kind == kindSMS || c.kind == kindVoice }

// person is a recipient.
type person struct {
	name, language, role string
	ways                 []*way
}

// inPerson tells whether some way reaches them that can be relied on, and not only a room.
func (p *person) inPerson() bool {
	return slices.ContainsFunc(p.ways, func(w *way) bool { return !w.channel.group() && w.channel.reliable() })
}

// room tells whether nobody in particular is reached.
func (p *person) room() bool {
	return !slices.ContainsFunc(p.ways, func(w *way) bool { return !w.channel.group() })
}

// way is one address of one person.
type way struct {
	channel *channel
	address string
	secret  string

	near  bool   // to somebody near a patient
	local string // number of the 120 centre where that patient lives
	mark  string // tells apart what the recipient's name does not
}

// Faults answers everything that is wrong with the settings, each with its place and a way out.
func (s Settings) Faults() []error {
	_, err := open(s)
	if err == nil {
		return nil
	}
	return err.(interface{ Unwrap() []error }).Unwrap() // open joins them
}

// appsAtOnce is how many apps may be waited for at the same time.
const appsAtOnce = 256

// most notices of one asking: the warning keeps the receipts of 48.
const mostOfOneStep = 40

// open reads the settings and what lies in files.
func open(s Settings) (*book, error) {
	r := &reading{b: &book{desk: strings.TrimRight(s.Desk, "/"), zone: time.Local, channels: map[string]*channel{}, asked: map[string][]*person{}}}
	r.whole = s
	r.head(s)
	for i, c := range s.Channels {
		r.channel(fmt.Sprintf("notify.channels[%d]", i), c)
	}
	for i, p := range s.Recipients {
		r.person(fmt.Sprintf("notify.recipients[%d]", i), p)
	}
	r.patients(s.Patients)
	for step, people := range r.b.asked {
		n := 0
		for _, p := range people {
			n += len(p.ways)
		}
		if n > mostOfOneStep {
			r.fault("notify.recipients", "%d addresses answer for %s; at most %d can be kept track of", n, step, mostOfOneStep)
		}
	}
	return r.b, errors.Join(r.faults...)
}

// reading is settings on their way into a book.
type reading struct {
	b      *book
	faults []error
	whole  Settings // of which web push needs the subject
}

func (r *reading) fault(path, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

func (r *reading) head(s Settings) {
	if len(s.Recipients) > 0 && !isURL(s.Desk) {
		r.fault("notify.desk", "messages need a link; name the desk's address, such as https://desk.hospital.example")
	}
	if s.Zone != "" {
		zone, err := time.LoadLocation(s.Zone)
		if err != nil {
			r.fault("notify.zone", "%q is no time zone; try Asia/Shanghai", s.Zone)
		} else {
			r.b.zone = zone
		}
	}
	if _, _, err := net.SplitHostPort(s.Listen); s.Listen != "" && err != nil {
		r.fault("notify.listen", "%q is no address; try 127.0.0.1:8089", s.Listen)
	}
}

func (r *reading) channel(path string, s ChannelSetting) {
	c := &channel{name: s.Name, kind: s.Kind, perMinute: s.PerMinute, within: s.Within, atOnce: s.AtOnce, acceptKey: s.Gateway.AcceptKey}
	switch {
	case !isName(s.Name):
		r.fault(path+".name", "%q must be one word of letters, digits and -", s.Name)
	case r.b.channels[s.Name] != nil:
		r.fault(path+".name", "there are two channels %q", s.Name)
	case s.PerMinute < 0 || s.AtOnce < 0 || s.Within < 0:
		r.fault(path, "per_minute, within and at_once cannot be negative")
	}
	if c.within == 0 {
		c.within = 10 * time.Second
	}
	if c.atOnce == 0 {
		c.atOnce = 4
	}
	switch s.Kind {
	case kindWebhook:
		c.sender = webhook{newHTTP(c)}
	case kindWeCom:
		c.sender = weCom{newHTTP(c)}
	case kindDingTalk:
		c.sender = dingTalk{newHTTP(c)}
	case kindApp:
		c.sender, c.atOnce = &appDoor{}, max(c.atOnce, appsAtOnce)
	case kindWebPush:
		c.sender = &webPush{}
		r.push("notify.push", s.Name)
	case kindMail:
		c.sender = r.mail(path+".mail", s.Mail)
	case kindSMS, kindVoice:
		c.sender = r.gateway(path+".gateway", c, s.Gateway)
		c.callback = r.callback(path+".gateway.callback", s.Gateway.Callback)
	default:
		r.fault(path+".kind", "%q is unknown; use one of %s", s.Kind, strings.Join(kinds, ", "))
	}
	r.b.channels[s.Name] = c
}

func (r *reading) person(path string, s RecipientSetting) {
	p := &person{name: s.Name, language: s.Language, role: s.Role}
	if !isName(s.Name) {
		r.fault(path+".name", "%q must be one word of letters, digits, - and _: it goes into the log, so no address", s.Name)
	}
	if isAdviceName(s.Name) {
		r.fault(path+".name", "%q stands for patients and who is near them; choose another", s.Name)
	}
	if slices.ContainsFunc(r.b.people, func(o *person) bool { return o.name == s.Name }) {
		r.fault(path+".name", "there are two recipients %q", s.Name)
	}
	switch s.Language {
	case "":
		p.language = "zh"
	case "zh", "en":
	default:
		r.fault(path+".language", "%q is unknown; use zh or en", s.Language)
	}
	for i, w := range s.Ways {
		r.way(fmt.Sprintf("%s.channels[%d]", path, i), p, w)
	}
	if len(p.ways) == 0 {
		r.fault(path+".channels", "%s cannot be told; name a channel and an address", s.Name)
	}
	for i, step := range s.Answers {
		if !isName(step) {
			r.fault(fmt.Sprintf("%s.answers[%d]", path, i), "%q is no step of a policy; without policies of your own they are %s", step, strings.Join(steps, ", "))
		}
		r.b.asked[step] = append(r.b.asked[step], p)
	}
	r.b.people = append(r.b.people, p)
}

func (r *reading) way(path string, p *person, s WaySetting) {
	c := r.b.channels[s.Channel]
	if c == nil {
		r.fault(path+".channel", "there is no channel %q", s.Channel)
		return
	}
	if slices.ContainsFunc(p.ways, func(o *way) bool { return o.channel == c }) {
		r.fault(path+".channel", "%s has %s twice; give the second address a channel of its own", p.name, s.Channel)
	}
	if c.kind == kindApp {
		r.fault(path+".channel", "%s reaches patients; name it in notify.patients.channels", s.Channel)
		return
	}
	if c.kind == kindWebPush && (s.Address != "" || s.AddressFile != "") {
		r.fault(path, "%s goes to the browsers in which %s turned it on; it takes no address", s.Channel, p.name)
	}
	w := &way{channel: c, address: string(s.Address), secret: r.secret(path+".secret_file", s.SecretFile)}
	if s.AddressFile != "" {
		w.address = r.secret(path+".address_file", s.AddressFile)
	}
	if c.kind == kindWebPush {
		w.address = p.name // the account
	}
	if fault := c.refuses(w); fault != "" { // it does not repeat the address
		r.fault(path, "%s", fault)
	}
	p.ways = append(p.ways, w)
}

// refuses answers what is wrong with an address; empty: nothing.
func (c *channel) refuses(w *way) string {
	switch c.kind {
	case kindWebhook, kindWeCom, kindDingTalk:
		if !isURL(w.address) {
			return "a " + c.kind + " needs a URL, in address_file when it holds a token"
		}
		if _, err := signer(w.secret); c.kind == kindWebhook && (w.secret == "" || err != nil) {
			return "a webhook needs a secret_file with a secret of Standard Webhooks (whsec_ and base64)"
		}
	case kindMail:
		if a, err := mail.ParseAddress(w.address); err != nil || a.Address != w.address {
			return "the address is no mailbox; try nurse@hospital.example"
		}
	default:
		if w.address == "" {
			return "there is no address"
		}
	}
	return ""
}

// secret reads what lies in a file, without the line's end.
func (r *reading) secret(path, file string) string {
	if file == "" {
		return ""
	}
	b, err := os.ReadFile(file)
	switch text := strings.TrimSpace(string(b)); {
	case err != nil:
		r.fault(path, "%v", err)
	case text == "":
		r.fault(path, "%s is empty", file)
	default:
		return text
	}
	return ""
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// isName keeps addresses out of names.
func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == "" && strings.Trim(s, "0123456789-_") != ""
}
