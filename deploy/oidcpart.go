package deploy

import (
	"net"
	"net/url"
	"strings"

	"tocsin/desk"
)

// OIDCConfig is the identity provider at which people sign in (OpenID Connect); without an issuer there is none.
type OIDCConfig struct {
	Issuer           string `yaml:"issuer"`             // https://sso.hospital.example/realms/hospital, as its tokens have it
	ClientID         string `yaml:"client_id"`          // of this desk at the provider
	ClientSecretFile string `yaml:"client_secret_file"` // empty: a public client
	Desk             string `yaml:"desk"`               // where browsers reach this desk: https://desk.hospital.example
	Claim            string `yaml:"claim"`              // the account's name at the first sign-in
	CAFile           string `yaml:"ca_file"`            // whom to trust beside the system's roots
	Name             string `yaml:"name"`               // on the button; empty: the issuer's host
}

// faults answers what is wrong with the settings.
func (c *OIDCConfig) faults(http HTTPConfig) (all []error) {
	if c.Issuer == "" {
		if *c != Default().OIDC {
			all = append(all, fault("oidc.issuer", "there are settings of an identity provider, and none is named; try https://sso.hospital.example/realms/hospital"))
		}
		return all
	}
	all = append(all, secureURL("oidc.issuer", c.Issuer), secureURL("oidc.desk", c.Desk), readable("oidc.client_secret_file", c.ClientSecretFile), pemFile("oidc.ca_file", c.CAFile))
	if u, err := url.Parse(c.Desk); err == nil && strings.Trim(u.Path, "/") != "" || strings.HasSuffix(c.Desk, "/") {
		all = append(all, fault("oidc.desk", "%q has a path; want scheme and host alone, such as https://desk.hospital.example", c.Desk))
	}
	if strings.HasPrefix(c.Desk, "https:") && !http.HTTPS && !http.TLS.on() {
		all = append(all, fault("oidc.desk", "it speaks HTTPS, and cookies would be sent over anything; set http.https, or http.tls"))
	}
	if c.ClientID == "" {
		all = append(all, fault("oidc.client_id", "is empty; it is the desk's name at the provider, such as tocsin"))
	}
	if c.Claim == "" {
		all = append(all, fault("oidc.claim", "is empty; try preferred_username"))
	}
	return all
}

// secureURL is an address by HTTPS, or on loopback, for trials.
func secureURL(path, s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fault(path, "%q is no plain address; try https://sso.hospital.example", s)
	}
	local := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fault(path, "%q does not speak HTTPS: whoever is on the way could sign in as anybody", s)
	}
	return nil
}

// provider answers what the desk has to know of the provider; nil when there is none.
func (c *OIDCConfig) provider() (*desk.OIDC, error) {
	if c.Issuer == "" {
		return nil, nil
	}
	secret, err := readSecret(c.ClientSecretFile)
	if err != nil {
		return nil, err
	}
	trust, err := trusting(c.CAFile)
	if err != nil {
		return nil, err
	}
	return &desk.OIDC{Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: string(secret), Desk: c.Desk, Claim: c.Claim, Name: c.Name, TLS: trust}, nil
}
