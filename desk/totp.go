package desk

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"image/color"
	"net/http"
	"slices"
	"strings"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"tocsin/care/vault"
	"tocsin/streams"
	"tocsin/streams/event"
)

const (
	issuer        = "Tocsin"
	stepSeconds   = 30
	secretBytes   = 20 // 160 bits, as RFC 4226 recommends
	recoveryCodes = 10
	recoveryBytes = 10 // 80 bits: nobody tries them out, so a plain SHA-256 keeps them
)

var readable = base32.StdEncoding.WithPadding(base32.NoPadding)

func newSecret(account string) (*otp.Key, error) {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	return totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: account, Secret: secret, Period: stepSeconds})
}

// drawn answers a text as a QR code, row by row, 1 for dark.
func drawn(text string) ([]string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, err
	}
	size := code.Bounds()
	rows := make([]string, 0, size.Dy())
	for y := size.Min.Y; y < size.Max.Y; y++ {
		row := make([]byte, 0, size.Dx())
		for x := size.Min.X; x < size.Max.X; x++ {
			if code.At(x, y) == color.Black {
				row = append(row, '1')
			} else {
				row = append(row, '0')
			}
		}
		rows = append(rows, string(row))
	}
	return rows, nil
}

// checkCode finds out whether a code is the account's, and uses it up: the registrar lets each be used once, whichever desk asks. It
// answers by what somebody proved who they are.
func (s *Server) checkCode(ctx context.Context, account, code string) (by string, err error) {
	f := s.o.Directory.Factor(account)
	use := &event.CodeRequested{Account: account, Version: f.Version}
	err = s.guess(ctx, account, func() (err error) {
		if digits, ok := sixDigits(code); ok {
			by = byCode
			use.Step, err = s.stepOf(account, vault.Sealed{Version: f.Version, Key: f.Key, Data: f.Sealed}, digits, f.Step)
			return err
		}
		by = byRecovery
		if use.Recovery = recoverySum(account, code); !slices.Contains(f.Recovery, use.Recovery) {
			return badCode()
		}
		return nil
	})
	if err == nil {
		err = s.tell(ctx, use)
	}
	return by, err
}

// stepOf answers the step of the code of a sealed secret: the one of now, or the one before or after it, since clocks differ. One that
// is not newer than used is refused: it has been used, or somebody has watched it being typed.
func (s *Server) stepOf(account string, sealed vault.Sealed, code string, used int64) (step int64, err error) {
	if s.o.Vault == nil {
		return 0, closedVault()
	}
	secret, err := s.o.Vault.OpenSecret(account, sealed)
	if err != nil {
		s.o.Logger.Error("a second factor cannot be opened", "account", account, streams.KeyErr, err)
		return 0, closedVault()
	}
	digits, _ := sixDigits(code)
	now, matched := s.o.Now().Unix()/stepSeconds, false
	for _, step := range []int64{now, now - 1, now + 1} {
		ok, err := hotp.ValidateCustom(digits, uint64(step), string(secret), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil || !ok {
			continue // a code of another length is one that does not fit
		}
		if step > used {
			return step, nil
		}
		matched = true
	}
	if matched {
		return 0, refuse(http.StatusConflict, "code_used", "该验证码已使用过，请等待下一个", "this code has been used already: wait for the next one")
	}
	return 0, badCode()
}

func badCode() *Problem {
	return refuse(http.StatusUnauthorized, wrongCode, "验证码不正确", "the code is wrong")
}

// closedVault is said when a secret cannot be sealed or opened; who looks after the desk finds why in its log. A recovery code needs
// no vault.
func closedVault() *Problem {
	return refuse(http.StatusServiceUnavailable, "vault_off", "本预警台无法打开保险库，不能核对验证码；请使用恢复码，或联系管理员",
		"codes cannot be checked at this desk, for it cannot open its vault: use a recovery code, or ask an administrator")
}

// sixDigits answers a code without the space that apps write into its middle; ok tells whether it is one.
func sixDigits(code string) (digits string, ok bool) {
	digits = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	return digits, len(digits) == 6 && strings.Trim(digits, "0123456789") == ""
}

// newRecovery answers recovery codes such as abcd-efgh-ijkl-mnop, and what is kept of them.
func newRecovery(account string) (codes, sums []string) {
	for range recoveryCodes {
		b := make([]byte, recoveryBytes)
		_, _ = rand.Read(b)
		text := strings.ToLower(readable.EncodeToString(b))
		code := text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
		codes, sums = append(codes, code), append(sums, recoverySum(account, code))
	}
	return codes, sums
}

// misread are digits that no recovery code has, and the letters for which they are taken.
var misread = strings.NewReplacer("0", "o", "1", "l", "8", "b", "-", "", " ", "")

func recoverySum(account, code string) string {
	return sumOf("recovery\x00" + account + "\x00" + misread.Replace(strings.ToLower(code)))
}

// keepOffer puts a sealed secret into the session, which may lie in a file.
func (s *Server) keepOffer(ctx context.Context, o offer) error {
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	s.sessions.Put(ctx, keyOffer, b)
	return nil
}

// offered answers the secret that waits in the session for its first code.
func (s *Server) offered(ctx context.Context) (o offer, ok bool) {
	err := json.Unmarshal(s.sessions.GetBytes(ctx, keyOffer), &o)
	return o, err == nil && s.o.Now().UnixMilli() <= o.Until
}
