package desk

import (
	"context"
	"net/http"
	"time"

	"tocsin/streams/event"
)

const cookieName = "tocsin"

type Server struct {
	ward *ward
	o    Options
}
type Options struct {
	Directory interface{ Groups() []event.GroupSet }
}
type ward struct{}

func (*ward) warnings(bool) []Warning           { return nil }
func (*ward) story(string) (WarningStory, bool) { return WarningStory{}, false }
func (*ward) groups([]event.GroupSet) []Group   { return nil }
func (*ward) board(t, g string) []Row           { return nil }
func (s *Server) ask(ctx context.Context, verb string, c click, desk string, f func(event.Request) event.Event) (*body[Warning], error) {
	return nil, nil
}
func (s *Server) readings(ctx context.Context, t, p string, from, to time.Time) (string, []Reading, error) {
	return "", nil, nil
}
func (s *Server) signIn(context.Context, SignIn) (identity, error) { return identity{}, nil }
func (s *Server) signOut(context.Context) error                    { return nil }
func (s *Server) changePassword(context.Context, NewPassword) (identity, error) {
	return identity{}, nil
}
func (s *Server) makeToken(context.Context, TokenBody) (TokenMade, error) { return TokenMade{}, nil }
func (s *Server) makeAccount(context.Context, AccountBody) (AccountMade, error) {
	return AccountMade{}, nil
}
func (s *Server) orderPlan(context.Context, PlanBody) error    { return nil }
func (s *Server) publishPack(context.Context, PackBody) error  { return nil }
func (s *Server) setGroup(context.Context, GroupBody) error    { return nil }
func (s *Server) status(context.Context) Status                { return Status{} }
func (s *Server) stream(http.ResponseWriter, *http.Request)    {}
func (s *Server) importCSV(http.ResponseWriter, *http.Request) {}
