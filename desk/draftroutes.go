package desk

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// PackPath names a pack. huma reads what is embedded when it is exported.
type PackPath struct {
	ID string `path:"id" maxLength:"64"`
}

// draftOperations are those by which a pack is changed at the desk.
func (s *Server) draftOperations(api huma.API) {
	type jobs struct {
		Backtests []BacktestJob `json:"backtests" doc:"of this pack, newest first; and one that runs for another"`
	}
	asks := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusGatewayTimeout}
	huma.Register(api, op(mayDraft, "GET", "/v1/packs/{id}/draft", "getDraft", "packs", "What a change of a pack begins with: the text in effect, and what waits for a second signature", http.StatusNotFound),
		func(ctx context.Context, in *PackPath) (*body[DraftPage], error) { return answer(s.draft(ctx, in.ID)) })
	huma.Register(api, op(mayDraft, "POST", "/v1/packs/{id}/draft/check", "checkDraft", "packs", "Read a draft as the loader will, and run the pack's cases on it; changes nothing", http.StatusNotFound, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			PackPath
			Body DraftBody
		}) (*body[DraftChecked], error) {
			return answer(s.checkDraft(ctx, in.ID, in.Body.Text))
		})
	huma.Register(api, op(mayDraft, "GET", "/v1/packs/{id}/backtests", "listBacktests", "packs", "The backtests of this desk server since it started", http.StatusNotFound),
		func(ctx context.Context, in *PackPath) (*body[jobs], error) {
			all, err := s.listBacktests(ctx, in.ID)
			return &body[jobs]{jobs{all}}, err
		})
	huma.Register(api, op(mayDraft, "POST", "/v1/packs/{id}/backtests", "startBacktest", "packs", "Hold a draft against the packs in force, over what has been recorded; nobody is warned. One at a time", http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			PackPath
			Body BacktestBody
		}) (*body[BacktestJob], error) {
			return answer(s.startBacktest(ctx, in.ID, in.Body))
		})
	huma.Register(api, op(mayDraft, "DELETE", "/v1/packs/{id}/backtests/{job}", "stopBacktest", "packs", "Stop a backtest", http.StatusNotFound),
		func(ctx context.Context, in *struct {
			PackPath
			Job string `path:"job" maxLength:"64"`
		}) (*struct{}, error) {
			return nil, s.stopBacktest(ctx, in.ID, in.Job)
		})
	huma.Register(api, op(mayDraft, "POST", "/v1/packs/{id}/proposal", "proposeDraft", "packs", "Propose a draft; it waits for a second person", asks...),
		func(ctx context.Context, in *struct {
			PackPath
			Body ProposeBody
		}) (*struct{}, error) {
			return nil, s.propose(ctx, in.ID, in.Body)
		})
	huma.Register(api, op(mayDraft, "POST", "/v1/packs/{id}/proposal/sign", "signProposal", "packs", "Sign what waits, as another than who proposed it: it takes effect", asks...),
		func(ctx context.Context, in *struct {
			PackPath
			Body SignBody
		}) (*struct{}, error) {
			return nil, s.sign(ctx, in.ID, in.Body)
		})
	huma.Register(api, op(mayDraft, "POST", "/v1/packs/{id}/proposal/decline", "declineProposal", "packs", "Decline what waits, with a reason; its proposer withdraws it by this", asks...),
		func(ctx context.Context, in *struct {
			PackPath
			Body DeclineBody
		}) (*struct{}, error) {
			return nil, s.decline(ctx, in.ID, in.Body)
		})
}
