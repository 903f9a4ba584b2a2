package deploy

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tocsin/alerts/notify"
	"tocsin/alerts/outbox"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The commented example is what holds by default, and names everything that can be set.
func TestExampleIsTheDefault(t *testing.T) {
	c, err := Load("config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Log.Brokers, want.Notify.Channels, want.Notify.Recipients = []string{}, []notify.ChannelSetting{}, []notify.RecipientSetting{}
	want.Notify.Patients.Channels = []string{}
	want.Subscribers, want.Watchdog.Desks, want.Watchdog.TrustFiles, want.file = []outbox.Setting{}, []string{}, []string{}, c.file
	want.Desk.SecondFactor, want.Desk.WallAccounts = []string{}, []string{}
	if !reflect.DeepEqual(c, want) {
		t.Fatalf("config.yaml gives\n%+v\nand the default is\n%+v", c, want)
	}
	text, err := os.ReadFile("config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(reflect.Type)
	walk = func(s reflect.Type) {
		for i := range s.NumField() {
			f := s.Field(i)
			if key := f.Tag.Get("yaml"); key != "" && !bytes.Contains(text, []byte(key+":")) {
				t.Errorf("config.yaml does not name %s", key)
			}
			if f.Type.Kind() == reflect.Struct {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
}

func TestEveryFaultIsToldAtOnce(t *testing.T) {
	path := writeFile(t, "tocsin.yaml", strings.Join([]string{
		"data: ''",
		"colour: red",
		"roles: [gateway, king]",
		"http: {listen: 8080}",
		"log: {partitions: many, replicas: 12}",
		"history: {linger: 90, dsn_file: /does/not/exist}",
		"bridge: {broker: 'tcp://user:secret@host:1883'}",
		"mqtt: on",
	}, "\n"))
	_, err := Load(path)
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{
		"data: names no folder", ":2:1: colour: there is no such setting", `roles[1]: "king" is no role`, `http.listen: "8080" is no address`,
		":5:19: log.partitions: many is no whole number", "log.replicas: 12 must lie between 1 and 9", "history.linger: 90 is no duration; try 90s",
		"history.dsn_file: open /does/not/exist", "bridge.password_file", ":8:7: mqtt: want keys",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("a password was printed: %v", err)
	}
}

func TestFlagsBeatTheFile(t *testing.T) {
	path := writeFile(t, "tocsin.yaml", "http: {listen: 127.0.0.1:1}\nmqtt: {listen: 127.0.0.1:2}\n")
	var f upFlags
	c := upCommand()
	if err := c.ParseFlags([]string{"--config", path, "--mqtt", "127.0.0.1:3"}); err != nil {
		t.Fatal(err)
	}
	f = upFlags{config: path, mqtt: "127.0.0.1:3"}
	cfg, err := f.load(c)
	if err != nil || cfg.HTTP.Listen != "127.0.0.1:1" || cfg.MQTT.Listen != "127.0.0.1:3" || cfg.Log.Listen != Default().Log.Listen {
		t.Fatalf("got %+v, %v", cfg, err)
	}
}

func TestWrongCommandLinesAreUsage(t *testing.T) {
	for _, args := range []string{"nothing", "up --colour", "up extra", "import", "token create", "tail --topic nothing --kafka 127.0.0.1:1", "tail --since yesterday --kafka 127.0.0.1:1",
		"replay x", "replay --format physionet2019 --scores x testdata/stays", "token nothing"} {
		var out bytes.Buffer
		if code := Main(strings.Fields(args), io.Discard, &out); code != exitUsage {
			t.Errorf("tocsin %s: exit %d, want %d: %s", args, code, exitUsage, out.String())
		}
	}
	var out bytes.Buffer
	if code := Main([]string{"tail", "--data", t.TempDir()}, io.Discard, &out); code != exitFault || !strings.Contains(out.String(), "tocsin up --data") {
		t.Errorf("exit %d: %s", code, out.String())
	}
}
