package desk

import "testing"

// An administrator looks after accounts: what is asked holds at once, for who is signed in too.
func TestSEC1_AccountsAreLookedAfter(t *testing.T) {
	h := open(t)
	h.lives("someone", roleLead, nil)
	boss := h.signedIn("boss", roleAdministrator, nil)
	var made AccountMade
	if status, raw := boss.do("POST", "/v1/admin/accounts", AccountBody{Account: "nurse-1", Role: roleNurse, New: true}, &made); status != 200 || made.Password == "" {
		t.Fatalf("%d %s", status, raw)
	}
	if status, _ := boss.do("POST", "/v1/admin/accounts", AccountBody{Account: "nurse-1", Role: roleLead, New: true}, nil); status != 409 {
		t.Errorf("made twice: %d", status)
	}
	nurse := h.signedIn("nurse-2", roleNurse, nil)
	find := func(account string) AccountRow {
		t.Helper()
		var all Accounts
		if status, raw := boss.do("GET", "/v1/admin/accounts", nil, &all); status != 200 {
			t.Fatalf("%d %s", status, raw)
		}
		for _, a := range all.Accounts {
			if a.Account == account {
				return a
			}
		}
		t.Fatalf("no account %s in %+v", account, all)
		return AccountRow{}
	}
	if a := find("nurse-1"); !a.OneTime || a.LastSignIn != nil || a.Tenants[0] != "*" || a.Locked != nil || !a.MayChange {
		t.Errorf("got %+v", a)
	}
	if a := find("nurse-2"); a.LastSignIn == nil {
		t.Errorf("got %+v", a)
	}
	if status, raw := boss.do("PUT", "/v1/admin/accounts/nurse-2", AppointBody{Role: roleDoctor, Tenants: []string{"demo"}, Groups: []string{}}, nil); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	var s Session
	if nurse.do("GET", "/v1/session", nil, &s); s.Role != roleDoctor {
		t.Errorf("who is signed in is still %+v", s)
	}
	if status, raw := boss.do("POST", "/v1/admin/accounts/nurse-2/lock", LockBody{Locked: true, Why: "left us"}, nil); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	if status, _ := nurse.do("GET", "/v1/session", nil, nil); status != 401 {
		t.Errorf("a locked account goes on: %d", status)
	}
	var p Problem
	if status, _ := h.browser(h.url).do("POST", "/v1/session", SignIn{"nurse-2", "a long password"}, &p); status != 401 || p.Reason != "locked" {
		t.Errorf("a locked account signs in: %d %+v", status, p)
	}
	if status, _ := h.browser(h.url).do("POST", "/v1/session", SignIn{"nurse-2", "another password"}, &p); status != 401 || p.Reason != "sign_in" {
		t.Errorf("a wrong password is told that the account is locked: %d %+v", status, p)
	}
	if status, raw := boss.do("POST", "/v1/admin/accounts/nurse-2/lock", LockBody{}, nil); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	if status, raw := boss.do("POST", "/v1/admin/accounts/nurse-2/password", nil, &made); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	if status, _ := h.browser(h.url).do("POST", "/v1/session", SignIn{"nurse-2", made.Password}, &s); status != 200 || !s.MustChange || s.Role != roleDoctor {
		t.Errorf("%d %+v", status, s)
	}
	// Nobody is left without an administrator, and only administrators do any of this.
	for what, got := range map[string]int{
		"lock oneself": first(boss.do("POST", "/v1/admin/accounts/boss/lock", LockBody{Locked: true, Why: "x"}, nil)),
		"step down":    first(boss.do("PUT", "/v1/admin/accounts/boss", AppointBody{Role: roleNurse, Tenants: []string{"*"}, Groups: []string{}}, nil)),
		"narrow":       first(boss.do("PUT", "/v1/admin/accounts/boss", AppointBody{Role: roleAdministrator, Tenants: []string{"demo"}, Groups: []string{}}, nil)),
		"by a token":   first(h.admin().do("POST", "/v1/admin/accounts/boss/lock", LockBody{Locked: true, Why: "x"}, nil)),
		"by POST":      first(boss.do("POST", "/v1/admin/accounts", AccountBody{Account: "boss", Role: roleNurse}, nil)),
	} {
		if got != 409 {
			t.Errorf("the only administrator is taken away, %s: %d", what, got)
		}
	}
	for _, role := range []string{roleLead, roleNurse, roleSecurity, roleAuditor} {
		b := h.as(role, role+"-x")
		if status, _ := b.do("PUT", "/v1/admin/accounts/nurse-1", AppointBody{Role: roleLead, Tenants: []string{"*"}, Groups: []string{}}, nil); status != 403 {
			t.Errorf("%s appoints: %d", role, status)
		}
		if status, _ := b.do("GET", "/v1/admin/accounts", nil, nil); (status == 200) != (role == roleSecurity) {
			t.Errorf("%s reads accounts: %d", role, status)
		}
	}
}

// Nobody gives away, or takes, more than they administer.
func TestSEC1_AnAdministratorOfATenantReachesNoFurther(t *testing.T) {
	h := open(t)
	h.lives("someone", roleLead, nil)
	h.lives("boss", roleAdministrator, nil)
	h.lives("nurse-s", roleNurse, scopeOf([]string{"south"}))
	h.patient("north", "N-1", "copd")
	h.patient("south", "S-1", "copd")
	small := h.ofScope("small", roleAdministrator, scopeOf([]string{"north"}))
	all, north := []string{"*"}, []string{"north"}
	for what, status := range map[string]int{
		"make an account of everything":     first(small.do("POST", "/v1/admin/accounts", AccountBody{Account: "x", Role: roleAdministrator}, nil)),
		"make a token of everything":        first(small.do("POST", "/v1/admin/tokens", TokenBody{Name: "x", Role: roleAdministrator, Tenants: all}, nil)),
		"take over whoever may do it":       first(small.do("POST", "/v1/admin/accounts/boss/password", nil, nil)),
		"take them over by POST":            first(small.do("POST", "/v1/admin/accounts", AccountBody{Account: "boss", Role: roleAdministrator}, nil)),
		"lock somebody of another tenant":   first(small.do("POST", "/v1/admin/accounts/nurse-s/lock", LockBody{Locked: true, Why: "x"}, nil)),
		"move somebody of another tenant":   first(small.do("PUT", "/v1/admin/accounts/nurse-s", AppointBody{Role: roleNurse, Tenants: north, Groups: []string{}}, nil)),
		"make themselves one of everything": first(small.do("PUT", "/v1/admin/accounts/small", AppointBody{Role: roleAdministrator, Tenants: all, Groups: []string{}}, nil)),

		"take away a second factor of another tenant": first(small.do("DELETE", "/v1/admin/accounts/nurse-s/factor", nil, nil)),
		"set a team of another tenant":                first(small.do("PUT", "/v1/teams", TeamBody{Tenant: "south", Group: "copd", Members: []TeamMember{}}, nil, "If-Match", "none")),
		"set a rota of another tenant":                first(small.do("PUT", "/v1/duty/rota", rotaOf("south"), nil, "If-Match", "none")),
		"set a policy of another tenant":              first(small.do("PUT", "/v1/duty/policy", policyOf("south"), nil, "If-Match", "none")),
		"set a group of another tenant":               first(small.do("POST", "/v1/admin/groups", GroupBody{Tenant: "south", Group: "copd", Pack: "copd"}, nil)),
		"publish a pack for everybody":                first(small.do("POST", "/v1/admin/packs", PackBody{Pack: "copd", Version: 1, Text: "x"}, nil)),
		"order a plan in another tenant":              first(small.do("POST", "/v1/admin/plans", PlanBody{Tenant: "south", Patient: "S-1"}, nil)),
	} {
		if status < 400 {
			t.Errorf("an administrator of north may %s: %d", what, status)
		}
	}
	if status, raw := small.do("POST", "/v1/admin/accounts", AccountBody{Account: "nurse-n", Role: roleNurse, Groups: []string{"north/copd"}}, nil); status != 200 {
		t.Errorf("and not what is theirs: %d %s", status, raw)
	}
	for what, status := range map[string]int{
		"a team":   first(small.do("PUT", "/v1/teams", TeamBody{Tenant: "north", Group: "copd", Members: []TeamMember{}}, nil, "If-Match", "none")),
		"a rota":   first(small.do("PUT", "/v1/duty/rota", rotaOf("north"), nil, "If-Match", "none")),
		"a policy": first(small.do("PUT", "/v1/duty/policy", policyOf("north"), nil, "If-Match", "none")),
		"a group":  first(small.do("POST", "/v1/admin/groups", GroupBody{Tenant: "north", Group: "copd", Pack: "copd"}, nil)),
		"a plan":   first(small.do("POST", "/v1/admin/plans", PlanBody{Tenant: "north", Patient: "N-1"}, nil)),
	} {
		if status >= 300 {
			t.Errorf("and not %s of theirs: %d", what, status)
		}
	}
}

func rotaOf(tenant string) RotaBody {
	b := nights("nurse-a")
	b.Tenant = tenant
	return b
}

func policyOf(tenant string) PolicyBody {
	b := examples["setPolicy"].(PolicyBody)
	b.Tenant = tenant
	return b
}

func TestTokensAreListedAndWithdrawn(t *testing.T) {
	h := open(t)
	admin := h.admin()
	var made TokenMade
	if status, raw := admin.do("POST", "/v1/admin/tokens", TokenBody{Name: "his", Role: roleNurse, New: true}, &made); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	if status, _ := admin.do("POST", "/v1/admin/tokens", TokenBody{Name: "his", Role: roleNurse, New: true}, nil); status != 409 {
		t.Errorf("made twice: %d", status)
	}
	program := h.browser(h.url)
	program.token = made.Token
	if status, _ := program.do("GET", "/v1/session", nil, nil); status != 200 {
		t.Fatalf("the token opens nothing: %d", status)
	}
	var all Accounts
	if admin.do("GET", "/v1/admin/accounts", nil, &all); len(all.Tokens) != 1 || all.Tokens[0].Name != "his" {
		t.Errorf("got %+v", all.Tokens)
	}
	for range 2 {
		if status, raw := admin.do("DELETE", "/v1/admin/tokens/his", nil, nil); status != 204 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	if status, _ := program.do("GET", "/v1/session", nil, nil); status != 401 {
		t.Errorf("a withdrawn token opens: %d", status)
	}
	if status, _ := admin.do("DELETE", "/v1/admin/tokens/other", nil, nil); status != 404 {
		t.Errorf("a token that there is not: %d", status)
	}
}
