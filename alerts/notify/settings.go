package notify

import (
	"time"
)

// Settings say who is told, and by what.
type Settings struct {
	Desk       string             `yaml:"desk"`   // where people reach the desk: the link in a message begins with it
	Zone       string             `yaml:"zone"`   // of the times in messages; empty: the server's
	Listen     string             `yaml:"listen"` // where gateways tell what became of a message; empty: nowhere
	Channels   []ChannelSetting   `yaml:"channels"`
	Recipients []RecipientSetting `yaml:"recipients"`
	Patients   PatientSetting     `yaml:"patients"` // who is told what to do when there is danger
	Push       PushSetting        `yaml:"push"`     // of channels of the kind webpush
}

// ChannelSetting is one way out of the house.
type ChannelSetting struct {
	Name      string        `yaml:"name"`
	Kind      string        `yaml:"kind"`       // see kinds
	PerMinute int           `yaml:"per_minute"` // how many messages it may take; 0: any number. Of a high it takes every one
	Within    time.Duration `yaml:"within"`     // how long one try may take; 0: 10 s
	AtOnce    int           `yaml:"at_once"`    // how many tries there may be at the same time; 0: 4

	Mail    MailSetting    `yaml:"mail"`
	Gateway GatewaySetting `yaml:"gateway"`
}

// MailSetting is the hospital's mail server.
type MailSetting struct {
	Server       string `yaml:"server"` // host:port
	From         string `yaml:"from"`
	TLS          string `yaml:"tls"` // starttls (what holds when empty), implicit, none
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
}

// GatewaySetting is how a gateway for SMS or voice calls wants to be asked. URL, Headers and Body are templates.
type GatewaySetting struct {
	URL       string          `yaml:"url"`
	Method    string          `yaml:"method"` // empty: POST
	Headers   []HeaderSetting `yaml:"headers"`
	Body      string          `yaml:"body"`
	Success   []int           `yaml:"success"`    // status codes; empty: 200 to 299
	OKPath    string          `yaml:"ok_path"`    // where the answer says whether it was taken, such as data.code
	OK        string          `yaml:"ok"`         // what it says then
	IDPath    string          `yaml:"id_path"`    // where the answer has the gateway's id of the message
	Callback  CallbackSetting `yaml:"callback"`   // what the gateway tells later
	AcceptKey string          `yaml:"accept_key"` // the key that takes the warning during a call
}

// HeaderSetting is one header; what is secret is read from a file.
type HeaderSetting struct {
	Name      string `yaml:"name"`
	Value     string `yaml:"value"`
	ValueFile string `yaml:"value_file"`
}

// CallbackSetting is how a gateway tells what became of a message: POST {listen}/notify/{channel}, in JSON or as a form.
type CallbackSetting struct {
	Signature  string   `yaml:"signature"`   // standard-webhooks, or hmac-sha256: the body's, in hex, in Header
	Header     string   `yaml:"header"`      // of hmac-sha256; empty: X-Signature
	SecretFile string   `yaml:"secret_file"` // without it nothing is listened to
	IDPath     string   `yaml:"id_path"`
	StatePath  string   `yaml:"state_path"`
	Delivered  []string `yaml:"delivered"` // the words by which the gateway says so
	Opened     []string `yaml:"opened"`
	Failed     []string `yaml:"failed"`
	KeyPath    string   `yaml:"key_path"` // where the key is that was pressed during a call
}

// RecipientSetting is a person, or a group of them, under a name that is no address.
type RecipientSetting struct {
	Name     string       `yaml:"name"`     // an account where there is one: it goes into the log
	Answers  []string     `yaml:"answers"`  // the steps that ask them: see steps; who is on duty by a rota is asked by name
	Language string       `yaml:"language"` // zh (what holds when empty), en
	Role     string       `yaml:"role"`     // of the account of this name, which may then accept by a key press; empty: it may not
	Ways     []WaySetting `yaml:"channels"` // in the order in which they are tried
}

// WaySetting is one address.
type WaySetting struct {
	Channel     string `yaml:"channel"`
	Address     Hidden `yaml:"address"`      // a number, a mailbox, a URL …
	AddressFile string `yaml:"address_file"` // … or where it lies, as it should when it holds a token
	SecretFile  string `yaml:"secret_file"`  // of a webhook (whsec_…) or of a robot that wants signatures
}

// Hidden is what must not be printed.
type Hidden string

// String hides it.
func (h Hidden) String() string {
	if h == "" {
		return ""
	}
	return "***"
}

// GoString hides it.
func (h Hidden) GoString() string { return h.String() }

// MarshalText hides it, also in logs and YAML.
func (h Hidden) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// The kinds of channels.
const (
	kindWebhook  = "webhook"
	kindMail     = "mail"
	kindSMS      = "sms"
	kindVoice    = "voice"
	kindWeCom    = "wecom"
	kindDingTalk = "dingtalk"
	kindWebPush  = "webpush" // browsers in which the person has turned notices on
	kindApp      = "app"     // the patient's own, by our MQTT gateway
)

var kinds = []string{kindWebhook, kindMail, kindSMS, kindVoice, kindWeCom, kindDingTalk, kindWebPush, kindApp}

// steps are whom the policies ask that hold where none is set.
var steps = []string{"nurse", "doctor-1", "doctor-2", "duty-office", "lead", "day-list"}

// gravest are the steps of a high, each of which needs somebody whom a message reaches in person.
var gravest = []string{"nurse", "doctor-1", "doctor-2", "duty-office"}
