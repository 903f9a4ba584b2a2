package desk

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/care/vault"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// What administrators ask goes to the registrar through the log, and is answered once its decision holds.

const (
	registrarWithin = 15 * time.Second
	importWithin    = 10 * time.Minute
	maxImport       = 64 << 20
)

// tell brings a request to the registrar and waits until it holds.
func (s *Server) tell(ctx context.Context, r event.Event) error {
	ctx, stop := context.WithTimeout(ctx, registrarWithin)
	defer stop()
	_, err := s.o.Asker.Ask(ctx, r)
	return asProblem(err)
}

func (s *Server) makeToken(ctx context.Context, in TokenBody) (TokenMade, error) {
	if _, taken := s.o.Directory.Account(in.Name); taken {
		return TokenMade{}, refuse(http.StatusConflict, "taken", "该名称已是账号", "there is an account of this name; give the token another")
	}
	tokens := s.o.Directory.Tokens()
	i := slices.IndexFunc(tokens, func(t event.TokenSet) bool { return t.Token == in.Name })
	if i >= 0 && in.New {
		return TokenMade{}, refuse(http.StatusConflict, "taken", "已有同名令牌；请另取名称，或先撤销原令牌", "there is a token of this name: give it another, or withdraw that one first")
	}
	token := directory.NewToken()
	scope, err := s.scope(in.Tenants, in.Groups, in.Clinics)
	if err != nil {
		return TokenMade{}, err
	}
	var standing event.TokenSet
	if i >= 0 {
		standing = tokens[i]
	}
	if !grants(identityOf(ctx).Scope, scope, i >= 0, standing.Scope) {
		return TokenMade{}, notYours()
	}
	err = s.tell(ctx, &event.TokenRequested{Token: in.Name, SHA256: sumOf(token), Role: in.Role, By: identityOf(ctx).Account, Scope: scope})
	if err != nil {
		return TokenMade{}, err
	}
	return TokenMade{Name: in.Name, Role: in.Role, Token: token}, nil
}

func (s *Server) makeAccount(ctx context.Context, in AccountBody) (AccountMade, error) {
	scope, err := s.scope(in.Tenants, in.Groups, in.Clinics)
	if err != nil {
		return AccountMade{}, err
	}
	standing, stands := s.o.Directory.Account(in.Account)
	made := AccountMade{Account: in.Account, Role: in.Role}
	r := &event.AccountRequested{Account: in.Account, Role: in.Role, By: identityOf(ctx).Account, Scope: scope, OIDC: in.OIDC, Relink: in.Relink}
	switch {
	case stands && in.New:
		return AccountMade{}, refuse(http.StatusConflict, "taken", "已有同名账号；账号名不重复使用", "there is an account of this name; a name is never used twice")
	case !grants(identityOf(ctx).Scope, scope, stands, standing.Scope):
		return AccountMade{}, notYours()
	case !in.OIDC:
		made.Password, r.OneTime = newOneTime(), true
		if r.Password, err = HashPassword(made.Password); err != nil {
			return AccountMade{}, err
		}
	case s.oidc == nil:
		return AccountMade{}, refuse(http.StatusConflict, "oidc_off", "本预警台未配置身份提供方", "this desk has no identity provider (oidc in its configuration)")
	}
	if err := s.tell(ctx, r); err != nil {
		return AccountMade{}, err
	}
	return made, nil
}

// scope answers a scope as it was asked for, nil for none. A group or clinic that is not there would be nobody's patients: a typing
// error that nobody would notice.
func (s *Server) scope(tenants, groups, clinics []string) (*event.Scope, error) {
	if len(tenants)+len(groups)+len(clinics) == 0 {
		return nil, nil
	}
	for _, g := range groups {
		if tenant, name, _ := strings.Cut(g, "/"); !known(s.o.Directory.Group(tenant, name)) {
			return nil, refuse(http.StatusUnprocessableEntity, "unknown_group", "没有专病组 "+g, "there is no group "+g)
		}
	}
	for _, c := range clinics {
		if tenant, clinic, _ := strings.Cut(c, "/"); !known(s.o.Directory.Clinic(tenant, clinic)) {
			return nil, refuse(http.StatusUnprocessableEntity, "unknown_clinic", "没有社区卫生服务中心 "+c, "there is no community clinic "+c)
		}
	}
	return &event.Scope{Tenants: tenants, Groups: groups, Clinics: clinics}, nil
}

func known[T any](_ T, ok bool) bool { return ok }

// orderPlan takes who orders and when from who asks, never from what was sent.
func (s *Server) orderPlan(ctx context.Context, in PlanBody) error {
	id := identityOf(ctx)
	theirs := leads(id.Scope, in.Tenant)
	if maySee(id.Role) {
		theirs = s.relation(id, streams.PatientKey(in.Tenant, in.Patient)) != foreign
	}
	if !theirs {
		return noPatient()
	}
	by := id.Account
	plan := in.Plan
	plan.OrderedBy = by
	if p, _ := s.o.Directory.Patient(in.Tenant, in.Patient); p.Plan != nil {
		plan = keptFrom(*p.Plan, plan)
	}
	if plan.OrderedAt == 0 {
		plan.OrderedAt = event.TimeOf(s.o.Now())
	}
	return s.tell(ctx, &event.PlanRequested{Tenant: in.Tenant, Patient: in.Patient, Plan: plan, By: by})
}

// keptFrom lays a plan over what stands: what it does not name stays.
func keptFrom(standing, plan event.Plan) event.Plan {
	if plan.Facts == nil {
		plan.Facts = standing.Facts
	}
	if plan.Overrides == nil {
		plan.Overrides = standing.Overrides
	}
	if plan.Chosen == nil {
		plan.Chosen = standing.Chosen
	}
	return plan
}

// publishPack takes whoever administers everything: a pack judges the patients of all tenants.
func (s *Server) publishPack(ctx context.Context, in PackBody) error {
	if !everywhere(identityOf(ctx).Scope) {
		return notYours()
	}
	return s.tell(ctx, &event.PackRequested{Pack: in.Pack, Version: in.Version, Text: in.Text, By: identityOf(ctx).Account})
}

func (s *Server) setGroup(ctx context.Context, in GroupBody) error {
	if !leads(identityOf(ctx).Scope, in.Tenant) {
		return notYours()
	}
	if g, known := s.o.Directory.Group(in.Tenant, in.Group); known && in.Overrides == nil {
		in.Overrides = g.Overrides
	}
	return s.tell(ctx, &event.GroupRequested{Tenant: in.Tenant, Group: in.Group, Pack: cmp.Or(in.Pack, directory.DefaultPack), Zh: in.Zh, En: in.En,
		CadenceMs: in.CadenceMs, AsRecorded: in.AsRecorded, Overrides: in.Overrides, By: identityOf(ctx).Account})
}

// importCSV enrols what a file says: taken whole or not at all, answered line by line, done when every live gateway
// knows the devices. Who the patients are is sealed here, before anything of it reaches the log.
func (s *Server) importCSV(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/csv" {
		writeProblem(w, refuse(http.StatusUnsupportedMediaType, "content_type", "请以 Content-Type: text/csv 提交文件", "send the file with Content-Type: text/csv"))
		return
	}
	file, problem := readFile(http.MaxBytesReader(w, r.Body, maxImport))
	if problem != nil {
		writeProblem(w, problem)
		return
	}
	switch dry := r.URL.Query()["dry_run"]; {
	case len(dry) == 1 && dry[0] == "true":
		s.tryCSV(w, r, file)
		return
	case len(dry) > 0 && (len(dry) > 1 || dry[0] != "false"): // who meant to try must not have imported
		writeProblem(w, badRequest(http.StatusUnprocessableEntity, "query.dry_run", "want true or false"))
		return
	}
	rows, said, problem := s.readImport(file)
	if problem == nil && len(said) > 0 {
		problem = s.naming(r.Context(), len(said))
	}
	if problem != nil {
		writeProblem(w, problem)
		return
	}
	if outside(r.Context(), rows) {
		writeProblem(w, refuse(http.StatusForbidden, "relation", "文件中有不在您管理范围内的机构，未导入任何内容", "the file names a tenant that is not in your care; nothing of it was imported"))
		return
	}
	ctx, stop := context.WithTimeout(r.Context(), importWithin)
	defer stop()
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := newLines(w)
	by := identityOf(ctx).Account
	outcomes, position, err := s.o.Asker.Import(ctx, rows, by, out.progress)
	if err != nil {
		out.write(ImportLine{Error: err.Error(), Zh: asRefusal(asProblem(err)).Zh})
		return
	}
	last := ImportLine{Written: len(rows), Settled: len(rows)}
	for _, o := range outcomes {
		if o.Unrecorded != nil {
			last.Refused++
			out.write(unrecorded(o.Line, o.Unrecorded))
		}
		switch {
		case o.Refused != nil:
			last.Refused++
			out.write(ImportLine{Row: o.Line, Device: o.Device, Error: o.Refused.En, Zh: o.Refused.Zh})
		case o.Made != "":
			out.write(ImportLine{Row: o.Line, Tenant: o.Tenant, Patient: o.Patient, Device: o.Device, Token: o.Made})
		case o.Token == "" && o.Device != "":
			out.write(ImportLine{Row: o.Line, Device: o.Device, Kept: true})
		}
	}
	if err := s.keepNamed(ctx, said, by, &last, out); err != nil {
		last.Error = "enrolled, but not everybody is in the vault: " + err.Error() + "; import the file again"
		last.Zh = "已登记，但患者资料未能全部存入资料库；请重新导入该文件"
		out.write(last)
		return
	}
	if err := s.o.WaitDoors(ctx, position); err != nil {
		last.Error = "imported, but not every gateway knows it yet: " + err.Error()
		last.Zh = "已导入，但并非所有网关都已更新；设备可能暂时无法连接"
		out.write(last)
		return
	}
	last.Done = true
	out.write(last)
}

// readFile reads a file whole.
func readFile(r io.Reader) ([]byte, *Problem) {
	file, err := io.ReadAll(r)
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, badFile(http.StatusRequestEntityTooLarge, err)
	}
	if err != nil {
		return nil, badFile(http.StatusUnprocessableEntity, err)
	}
	return file, nil
}

// readImport says what is wrong with a file in words that repeat nothing of who somebody is.
func (s *Server) readImport(file []byte) ([]directory.Row, []Naming, *Problem) {
	rows, cells, err := directory.ReadImport(bytes.NewReader(file), vault.Columns{Now: s.o.Now})
	var said []Naming
	if err == nil {
		said, err = namings(cells, s.o.Now)
	}
	if err != nil {
		return nil, nil, badFile(http.StatusUnprocessableEntity, err)
	}
	return rows, said, nil
}

func badFile(status int, err error) *Problem {
	return refuse(status, "csv", "文件有误，未导入任何内容："+directory.InChinese(err), "the file is not right, and nothing of it was imported: "+err.Error())
}

// naming notes that somebody says who so many patients are. Without a vault, or unnoted, nothing of the file is imported.
func (s *Server) naming(ctx context.Context, n int) *Problem {
	if s.o.Vault == nil {
		return noVaultFor()
	}
	if s.o.Trail == nil {
		return nil
	}
	id := identityOf(ctx)
	err := s.o.Trail.Note(ctx, Entry{Account: id.Account, Role: id.Role, Action: "vault.import", Object: itoa(n) + " patients", Purpose: "administration", From: addressOf(ctx)})
	if err != nil {
		return refuse(http.StatusServiceUnavailable, "not_noted", "导入记录未能写入，未导入任何内容；请重试", "the import could not be noted, and nothing of it was imported; try again")
	}
	return nil
}

// keepNamed puts who the patients are into the vault, and answers the lines that were refused.
func (s *Server) keepNamed(ctx context.Context, said []Naming, by string, last *ImportLine, out *lines) error {
	if len(said) == 0 {
		return nil
	}
	changed, refused, err := Keep(ctx, s.o.Vault, s.o.Directory, s.o.Asker, said, by, func(int) { out.progress(last.Settled) })
	for _, line := range slices.Sorted(maps.Keys(refused)) {
		last.Refused++
		out.write(ImportLine{Row: line, Error: refused[line].En, Zh: refused[line].Zh})
	}
	last.Named = changed
	return err
}

// lines writes one JSON object a line and sends each on its way.
type lines struct {
	mu   sync.Mutex
	enc  *json.Encoder
	rc   *http.ResponseController
	last time.Time
}

func newLines(w http.ResponseWriter) *lines {
	return &lines{enc: json.NewEncoder(w), rc: http.NewResponseController(w)}
}

func (l *lines) write(line ImportLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.rc.SetWriteDeadline(time.Now().Add(writeWithin)) // a recorder in a test has none
	_ = l.enc.Encode(line)                                 // whoever asked has gone: the import goes on, and can be repeated
	if line.Token == "" {
		_ = l.rc.Flush()
	}
}

// progress says every 200 ms how far it is.
func (l *lines) progress(done int) {
	if now := time.Now(); now.Sub(l.last) > 200*time.Millisecond {
		l.last = now
		l.write(ImportLine{Settled: done})
	}
}
