package directory

import (
	"fmt"

	"tocsin/streams/event"
)

// How an account is linked to a subject of the identity provider. The account is asked first (does it sign in there, and has it
// nobody yet?), then the subject (is it nobody else's?); only then do both change.
const stageLink = "link" // subject/{sum}

// checkOIDC tells what is wrong with how an account is to sign in.
func checkOIDC(r *event.AccountRequested) *refusal {
	switch {
	case r.OIDC && (r.Password != "" || r.OneTime):
		return &twoWays
	case r.Relink && !r.OIDC:
		return &refusal{"two_ways", "只有经身份提供方登录的账号才能重新关联", "only an account that signs in at the identity provider can be linked anew"}
	}
	return nil
}

var twoWays = refusal{"two_ways", "经身份提供方登录的账号没有密码", "an account that signs in at the identity provider has no password"}

// keptSubject answers the subject that an account has after a request.
func keptSubject(r *event.AccountRequested, standing string) string {
	if r.OIDC && !r.Relink {
		return standing
	}
	return ""
}

// freed lets the subject go that an account had and has no more.
func freed(was, now *event.AccountSet) *event.SubjectFreed {
	if was == nil || was.Subject == "" || was.Subject == now.Subject {
		return nil
	}
	return &event.SubjectFreed{Subject: was.Subject, Account: was.Account}
}

func decideLink(s Entity, id string, r *event.LinkRequested) []event.Event {
	switch a := s.Account; {
	case a == nil || !a.OIDC:
		return refuse(id, refusal{"unknown", fmt.Sprintf("没有经身份提供方登录的账号 %s", r.Account), fmt.Sprintf("there is no account %s that signs in at the identity provider", r.Account)})
	case !isSum(r.Subject) || r.Issuer == "":
		return refuse(id, refusal{"bad_subject", "身份提供方的用户标识有误", "the subject must be given as the 64 hexadecimal digits of its SHA-256, with its issuer"})
	case a.Subject == r.Subject:
		return nil
	case a.Subject != "":
		return refuse(id, refusal{"linked", fmt.Sprintf("账号 %s 已关联另一位用户；如确系更换，请管理员重新关联", r.Account),
			fmt.Sprintf("account %s is linked to somebody else at the identity provider; if that is meant to change, an administrator links it anew", r.Account)})
	}
	return one(&event.RequestForwarded{Request: id, Stage: stageLink, To: SubjectKey(r.Subject), Link: r})
}

func decideLinkStage(s Entity, id string, r *event.LinkRequested) []event.Event {
	if s.Linked != "" && s.Linked != r.Account {
		return refuse(id, refusal{"linked", fmt.Sprintf("该用户已关联账号 %s", s.Linked), fmt.Sprintf("this person has the account %s already", s.Linked)})
	}
	return []event.Event{&event.AccountLinked{Account: r.Account, Issuer: r.Issuer, Subject: r.Subject}, &event.SubjectLinked{Subject: r.Subject, Account: r.Account}}
}

// linked is an account with its subject.
func linked(a *event.AccountSet, d *event.AccountLinked) *event.AccountSet {
	if a == nil {
		return nil
	}
	with := *a
	with.Subject = d.Subject
	return &with
}

// Linked answers the account that a subject signs in to.
func (v *View) Linked(subject string) (event.AccountSet, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	a, ok := v.accounts[v.linked[subject]]
	return a, ok && subject != "" && a.Subject == subject
}
