package event

// What administrators ask about accounts and tokens that are there already. Each asks for one thing alone, so that two who change
// different things of one account do not undo each other.

// AppointRequested asks that an account have a role and a scope; its password stays.
type AppointRequested struct {
	Account string `json:"account"`
	Role    string `json:"role"`
	Scope   *Scope `json:"scope,omitempty"` // nil: as it stands
	By      string `json:"by"`
}

// PasswordRequested asks that an account have another password; its role and scope stay.
type PasswordRequested struct {
	Account  string `json:"account"`
	Password string `json:"password"` // argon2id in PHC form; never clear
	OneTime  bool   `json:"one_time,omitempty"`
	By       string `json:"by"`
}

// LockRequested asks that an account be locked, or opened again.
type LockRequested struct {
	Account string `json:"account"`
	Locked  bool   `json:"locked"`
	Why     string `json:"why,omitempty"`
	By      string `json:"by"`
}

// AccountLocked says that nobody signs in to an account any more, or that somebody may again. An account is never removed: what was
// done in its name stays in the log, and the name is nobody else's.
type AccountLocked struct {
	Account string `json:"account"`
	Locked  bool   `json:"locked"`
	Why     string `json:"why,omitempty"`
	By      string `json:"by"`
	At      Time   `json:"at"`
}

// TokenWithdrawRequested asks that a bearer token open nothing any more.
type TokenWithdrawRequested struct {
	Token string `json:"token"` // its name
	By    string `json:"by"`
}

// TokenWithdrawn says that it opens nothing any more. Another may be made by its name.
type TokenWithdrawn struct {
	Token string `json:"token"`
	By    string `json:"by"`
}

// About answers account/{id}.
func (e *AccountLocked) About() string { return accountKind + e.Account }

// About answers token/{name}.
func (e *TokenWithdrawn) About() string { return tokenKind + e.Token }

func (*AppointRequested) Type() Type       { return "appoint.requested" }
func (*PasswordRequested) Type() Type      { return "password.requested" }
func (*LockRequested) Type() Type          { return "lock.requested" }
func (*AccountLocked) Type() Type          { return "account.locked" }
func (*TokenWithdrawRequested) Type() Type { return "token_withdraw.requested" }
func (*TokenWithdrawn) Type() Type         { return "token.withdrawn" }
