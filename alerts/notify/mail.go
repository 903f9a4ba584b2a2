package notify

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
)

// mailer hands letters to the hospital's mail server.
type mailer struct {
	host    string
	from    string
	options []mail.Option
}

func (r *reading) mail(path string, s MailSetting) sender {
	host, port, err := net.SplitHostPort(s.Server)
	n, perr := strconv.Atoi(port)
	if err != nil || perr != nil || host == "" {
		r.fault(path+".server", "%q is no mail server; try mail.hospital.example:587", s.Server)
	}
	m := mailer{host: host, from: s.From, options: []mail.Option{mail.WithPort(n), mail.WithHELO("tocsin.invalid")}}
	if err := mail.NewMsg().From(s.From); err != nil {
		r.fault(path+".from", "%q is no mailbox; try tocsin@hospital.example", s.From)
	}
	switch s.TLS {
	case "", "starttls":
		m.options = append(m.options, mail.WithTLSPolicy(mail.TLSMandatory))
	case "implicit":
		m.options = append(m.options, mail.WithSSL())
	case "none":
		m.options = append(m.options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		r.fault(path+".tls", "%q is unknown; use starttls, implicit or none", s.TLS)
	}
	if s.User != "" {
		m.options = append(m.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User),
			mail.WithPassword(r.secret(path+".password_file", s.PasswordFile)))
	}
	return m
}

func (m mailer) send(ctx context.Context, l letter) (string, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if msg.From(m.from) != nil || msg.To(l.to) != nil {
		return "", troubled("an address is no mailbox")
	}
	msg.Subject(l.subject)
	msg.SetBodyString(mail.TypeTextPlain, l.text)
	msg.SetMessageIDWithValue(l.id + "@tocsin.invalid") // the same for every try: mailboxes show a repeat once
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	options := m.options
	if end, ok := ctx.Deadline(); ok {
		options = append(options[:len(options):len(options)], mail.WithTimeout(time.Until(end)))
	}
	client, err := mail.NewClient(m.host, options...)
	if err != nil {
		return "", troubled("the mail server's settings do not fit together")
	}
	return "", mailTrouble(client.DialAndSendWithContext(ctx, msg))
}

// mailTrouble keeps of a mail server's answer its code alone: its words repeat the mailbox.
func mailTrouble(err error) error {
	var refused *mail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() > 0 {
		return troubled("the mail server answered %d", refused.ErrorCode())
	}
	return err
}
