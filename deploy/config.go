package deploy

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"tocsin/alerts/notify"
	"tocsin/alerts/outbox"
)

// Config is everything that can be set, in one YAML file over Default. deploy/config.yaml shows all of it with comments.
type Config struct {
	Data  string   `yaml:"data"`  // folder of everything that this process keeps
	Name  string   `yaml:"name"`  // of this process, for people: in the log, in metrics, in door.open
	Roles []string `yaml:"roles"` // which parts run here; `up` runs all

	HTTP    HTTPConfig      `yaml:"http"`
	MQTT    MQTTConfig      `yaml:"mqtt"`
	Log     LogConfig       `yaml:"log"`
	History HistoryConfig   `yaml:"history"`
	Bridge  BridgeConfig    `yaml:"bridge"`
	Notify  notify.Settings `yaml:"notify"` // without recipients nobody is told
	Vault   VaultConfig     `yaml:"vault"`
	Desk    DeskConfig      `yaml:"desk"`
	Logging LoggingConfig   `yaml:"logging"`

	Watchdog    WatchdogConfig   `yaml:"watchdog"`
	Audit       AuditConfig      `yaml:"audit"`
	Subscribers []outbox.Setting `yaml:"subscribers"` // machines that are told of warnings
	OIDC        OIDCConfig       `yaml:"oidc"`

	file string // where it was read; empty: nowhere

	demo  bool
	whole bool // `up`: everything runs here, so nobody needs to find parts of it early
}

// HTTPConfig is the desk's door: screens, API, metrics, and MQTT over WebSocket under /mqtt.
type HTTPConfig struct {
	Listen string `yaml:"listen"`
	HTTPS  bool   `yaml:"https"` // a proxy in front speaks HTTPS: cookies are sent over nothing else

	TLS TLSFiles `yaml:"tls"` // with it the port itself speaks HTTPS
}

// MQTTConfig is the gateway's door.
type MQTTConfig struct {
	Listen string  `yaml:"listen"` // without TLS; off: nowhere
	TLS    MQTTTLS `yaml:"tls"`
}

// MQTTTLS is the gateway's door with TLS.
type MQTTTLS struct {
	Listen       string `yaml:"listen"` // empty: nowhere
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
	ClientCAFile string `yaml:"client_ca_file"` // who signs devices' certificates; empty: devices have tokens alone
	Require      bool   `yaml:"require"`        // no device comes in without a certificate
}

// off stands for a port that is not opened.
const off = "off"

func (m MQTTTLS) files() TLSFiles { return TLSFiles{m.CertFile, m.KeyFile} }

// faults answers what is wrong with the door's settings.
func (c *MQTTConfig) faults() (all []error) {
	if c.Listen != off {
		all = append(all, address("mqtt.listen", c.Listen))
	}
	switch m := c.TLS; {
	case m.Listen == "" && (m.files().on() || m.ClientCAFile != "" || m.Require):
		all = append(all, fault("mqtt.tls.listen", "there are certificates and no port for them; try :8883"))
	case m.Listen == "" && c.Listen == off:
		all = append(all, fault("mqtt.tls.listen", "without it no device has a way in, for mqtt.listen is off; try :8883"))
	case m.Listen != "":
		all = append(all, address("mqtt.tls.listen", m.Listen), m.files().fault("mqtt.tls"))
		if !m.files().on() {
			all = append(all, fault("mqtt.tls.cert_file", "a port with TLS needs cert_file and key_file"))
		}
		all = append(all, pemFile("mqtt.tls.client_ca_file", m.ClientCAFile))
		if m.ClientCAFile == "" && m.Require {
			all = append(all, fault("mqtt.tls.client_ca_file", "certificates are required, and nobody is named who signs them"))
		}
	}
	return all
}

// LogConfig says where Kafka is: our own on Listen, or Brokers.
type LogConfig struct {
	Listen     string   `yaml:"listen"`
	Advertise  string   `yaml:"advertise"` // what clients are told, when Listen is every address
	Brokers    []string `yaml:"brokers"`
	Partitions int      `yaml:"partitions"` // of a new log; an old one keeps what it has
	Replicas   int      `yaml:"replicas"`   // of a new log on brokers of your own

	Security LogSecurity `yaml:"security"` // to brokers of your own
}

// HistoryConfig says where ClickHouse is: our own engine, or a server by its DSN.
type HistoryConfig struct {
	Off     bool          `yaml:"off"`
	DSNFile string        `yaml:"dsn_file"` // file that holds http://user:password@host:8123/db or clickhouse://…
	CAFile  string        `yaml:"ca_file"`  // whom to trust beside the system's roots, when the DSN says https:// or secure=true
	Listen  string        `yaml:"listen"`   // of our own engine
	Library string        `yaml:"library"`  // libchdb.so, when it does not lie beside the program
	Memory  int64         `yaml:"memory"`   // bytes that our own engine may take; 0: a third of the machine's, 1 to 8 GiB
	Linger  time.Duration `yaml:"linger"`   // how long a record waits for company before it goes to history
}

// BridgeConfig is the subscription to a hospital's own MQTT broker; without a broker there is no bridge.
type BridgeConfig struct {
	Broker       string `yaml:"broker"` // tcp://host:1883
	ClientID     string `yaml:"client_id"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
	CAFile       string `yaml:"ca_file"` // whom to trust beside the system's roots, at ssl://
	Group        string `yaml:"group"`   // of the shared subscription; empty: not shared
}

// WatchdogConfig is the watchdog, and what desks expect of it.
type WatchdogConfig struct {
	Off    bool          `yaml:"off"`    // no desk expects one, and `up` runs none
	Every  time.Duration `yaml:"every"`  // between two readings of a partition
	Within time.Duration `yaml:"within"` // for the PUBACK, and from it to every desk
	Again  time.Duration `yaml:"again"`  // how often the webhook hears of what lasts

	WebhookFile   string `yaml:"webhook_file"`   // files, since what they hold is secret
	SecretFile    string `yaml:"secret_file"`    // of Standard Webhooks
	HeartbeatFile string `yaml:"heartbeat_file"` // called while all is well
	Listen        string `yaml:"listen"`         // of /healthz and /metrics; empty: nowhere

	TrustFiles []string `yaml:"trust_files"` // whom to trust beside the system's roots: authorities, or the servers' own certificates

	CredentialsFile string   `yaml:"credentials_file"` // these three for a watchdog of its own; `up` knows them
	Broker          string   `yaml:"broker"`
	Desks           []string `yaml:"desks"`
}

// LoggingConfig is what the program says of itself.
type LoggingConfig struct {
	Level  string `yaml:"level"` // empty: info, and warn where a person sits at the terminal of `up`
	Format string `yaml:"format"`
}

// The roles, in the order in which they start.
const (
	roleLog     = "log"
	roleEngine  = "engine"
	roleMonitor = "monitor"
	roleGateway = "gateway"
	roleBridge  = "bridge"
	roleHistory = "history"
	roleNotify  = "notify"
	roleDesk    = "desk"
)

var allRoles = []string{roleLog, roleEngine, roleMonitor, roleGateway, roleBridge, roleHistory, roleNotify, roleDesk}

// Default is what holds unless the file or a flag says otherwise.
func Default() Config {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "tocsin"
	}
	return Config{
		Data: "./data", Name: host, Roles: slices.Clone(allRoles),
		HTTP:    HTTPConfig{Listen: "127.0.0.1:8080"},
		MQTT:    MQTTConfig{Listen: "127.0.0.1:1883"},
		Log:     LogConfig{Listen: "127.0.0.1:9092", Partitions: 4, Replicas: 1},
		History: HistoryConfig{Listen: "127.0.0.1:0", Linger: 2 * time.Second},
		Logging: LoggingConfig{Format: "text"},
		Desk:    DeskConfig{LockAfter: 10 * time.Minute},

		Watchdog: WatchdogConfig{Every: time.Minute, Within: 30 * time.Second, Again: 5 * time.Minute},
		OIDC:     OIDCConfig{ClientID: "tocsin", Claim: "preferred_username"},
	}
}

// Load reads a file over Default. The error tells every fault at once, each with its place and a way out.
func Load(path string) (Config, error) {
	c := Default()
	if path == "" {
		return c, nil
	}
	c.file = path
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	return c, errors.Join(bind(path, text, &c), c.Validate())
}

func (c *Config) has(role string) bool { return slices.Contains(c.Roles, role) }

// fault is one thing that is wrong with a configuration.
func fault(path, format string, args ...any) error {
	return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
}

// Validate tells everything that is wrong.
func (c *Config) Validate() error {
	var faults []error
	add := func(err error) {
		if err != nil {
			faults = append(faults, err)
		}
	}
	if c.Data == "" {
		add(fault("data", "names no folder; try ./data"))
	}
	if c.Name == "" || strings.ContainsAny(c.Name, "/ \t\n") {
		add(fault("name", "%q must be one word without a slash", c.Name))
	}
	for i, r := range c.Roles {
		if !slices.Contains(allRoles, r) {
			add(fault(fmt.Sprintf("roles[%d]", i), "%q is no role; the roles are %s", r, strings.Join(allRoles, ", ")))
		}
	}
	add(address("http.listen", c.HTTP.Listen))
	add(c.HTTP.TLS.fault("http.tls"))
	faults = append(faults, c.MQTT.faults()...)
	add(address("log.listen", c.Log.Listen))
	add(address("history.listen", c.History.Listen))
	if c.Log.Advertise != "" {
		add(address("log.advertise", c.Log.Advertise))
	}
	for i, b := range c.Log.Brokers {
		add(address(fmt.Sprintf("log.brokers[%d]", i), b))
	}
	faults = append(faults, c.Log.Security.faults(len(c.Log.Brokers) > 0)...)
	add(between("log.partitions", c.Log.Partitions, 1, 1024))
	add(between("log.replicas", c.Log.Replicas, 1, 9))
	if c.History.Linger < 0 {
		add(fault("history.linger", "%s is negative; try 2s", c.History.Linger))
	}
	if c.History.Memory < 0 {
		add(fault("history.memory", "%d is negative; 0 lets the engine choose", c.History.Memory))
	}
	add(readable("history.dsn_file", c.History.DSNFile))
	add(readable("bridge.password_file", c.Bridge.PasswordFile))
	add(pemFile("bridge.ca_file", c.Bridge.CAFile))
	add(pemFile("history.ca_file", c.History.CAFile))
	add(brokerURL("bridge.broker", c.Bridge.Broker))
	faults = append(faults, c.Notify.Faults()...)
	faults = append(faults, c.Watchdog.faults()...)
	faults = append(faults, c.Desk.faults(c.Vault.Off)...)
	faults = append(faults, outbox.Faults(c.Subscribers)...)
	faults = append(faults, c.OIDC.faults(c.HTTP)...)
	if c.Logging.Level != "" {
		add(oneWord("logging.level", c.Logging.Level, "debug", "info", "warn", "error"))
	}
	add(oneWord("logging.format", c.Logging.Format, "text", "json"))
	return errors.Join(faults...)
}

// notes tells what is no fault, and yet not what one might expect.
func (c *Config) notes() (all []string) {
	if c.tellsCarers() && c.Vault.Off {
		all = append(all, "notify.patients.channels: telephones of carers lie in the vault, which vault.off turns off: in danger no carer is told what to do")
	}
	return all
}

func address(path, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return fault(path, "%q is no address; try 127.0.0.1:8080", addr)
	}
	return nil
}

func between(path string, v, low, high int) error {
	if v < low || v > high {
		return fault(path, "%d must lie between %d and %d", v, low, high)
	}
	return nil
}

func oneWord(path, v string, words ...string) error {
	if !slices.Contains(words, v) {
		return fault(path, "%q is unknown; use one of %s", v, strings.Join(words, ", "))
	}
	return nil
}

func readable(path, file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return fault(path, "%v", err)
	}
	return f.Close()
}

// pemFile is a file of certificates, when there is one.
func pemFile(path, file string) error {
	if file == "" {
		return nil
	}
	if _, _, err := certificates(file, x509.NewCertPool()); err != nil {
		return fault(path, "%v", err)
	}
	return nil
}

func brokerURL(path, s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !slices.Contains([]string{"tcp", "mqtt", "ssl", "mqtts", "tls", "ws", "wss"}, u.Scheme) {
		return fault(path, "%q is no broker; try tcp://mosquitto:1883", s)
	}
	if u.User != nil {
		return fault(path, "a password does not belong here; use bridge.user and bridge.password_file")
	}
	return nil
}

// Secret is read from a file and never printed.
type Secret string

// String hides it.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// MarshalText hides it, also in logs and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// readSecret reads a secret from its file, without the line's end.
func readSecret(file string) (Secret, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return Secret(strings.TrimSpace(string(b))), nil
}

// path answers a place in the data folder.
func (c *Config) path(parts ...string) string {
	return filepath.Join(append([]string{c.Data}, parts...)...)
}

// show prints the configuration as it takes effect. Secrets lie in files; what is set of them is not shown.
func (c *Config) show() ([]byte, error) { return yaml.Marshal(c) }
