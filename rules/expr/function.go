package expr

import "tocsin/rules/window"

// Kind tells numbers from truths.
type Kind uint8

// The kinds.
const (
	Number Kind = 1 + iota
	Truth
)

// String is "number" or "truth", as the words for whoever writes packs have it.
func (k Kind) String() string {
	if k == Truth {
		return "truth"
	}
	return "number"
}

// Param is what a function takes after the name of its series.
type Param uint8

// The parameters.
const (
	Any    Param = 1 + iota // any number
	Fixed                   // a number that is written out, for the window has to keep it
	Count                   // a whole number from 1, written out
	Length                  // how far to look back: "90m", "24h", "7d"
	Days                    // the same, in whole days
)

// Function is one way to look at a series. Functions lists them.
type Function struct {
	Name   string
	Params []Param
	Kind   Kind   // what it answers
	Usage  string // as a pack writes it
	Means  string
}

const (
	dayMs    = 86_400_000
	hourMs   = 3_600_000
	minuteMs = 60_000
)

// HalfLives is how many half-lives ewma looks back; what is older would count for less than a thirtieth.
const HalfLives = 5

// MaxDays is how many calendar days functions look back at most.
const MaxDays = window.MaxDays

// Functions are all functions. Those of a kind stand together.
var Functions = []Function{
	{"last", nil, Number, `last(x)`, "the newest reading"},
	{"previous", nil, Number, `previous(x)`, "the reading before the newest"},
	{"change", nil, Number, `change(x)`, "the newest reading minus the one before it"},
	{"age", nil, Number, `age(x)`, "minutes since the newest reading"},
	{"mean", []Param{Length}, Number, `mean(x, "24h")`, "mean of the readings"},
	{"min", []Param{Length}, Number, `min(x, "24h")`, "least reading"},
	{"max", []Param{Length}, Number, `max(x, "24h")`, "greatest reading"},
	{"count", []Param{Length}, Number, `count(x, "24h")`, "how many readings"},
	{"spread", []Param{Length}, Number, `spread(x, "24h")`, "sample standard deviation of the readings"},
	{"delta", []Param{Length}, Number, `delta(x, "24h")`, "newest reading minus the oldest"},
	{"rise", []Param{Length}, Number, `rise(x, "72h")`, "newest reading minus the least of the earlier ones"},
	{"fall", []Param{Length}, Number, `fall(x, "72h")`, "greatest of the earlier readings minus the newest"},
	{"slope", []Param{Length}, Number, `slope(x, "7d")`, "change per day, by least squares"},
	{"trend", []Param{Length}, Number, `trend(x, "7d")`, "change per day, by Theil and Sen"},
	{"ewma", []Param{Length}, Number, `ewma(x, "3d")`, "exponentially weighted mean, the length being the half-life"},
	{"cusum_up", []Param{Any, Any, Length}, Number, `cusum_up(x, target, slack, "14d")`, "one-sided cumulative sum above target"},
	{"cusum_down", []Param{Any, Any, Length}, Number, `cusum_down(x, target, slack, "14d")`, "one-sided cumulative sum below target"},
	{"baseline", []Param{Length}, Number, `baseline(x, "14d")`, "what is usual: median over the length, the last 24 h left out"},
	{"deviation", []Param{Length, Any}, Number, `deviation(x, "14d", floor)`, "how many spreads the newest reading is away from the baseline"},
	{"in_range", []Param{Fixed, Fixed, Length}, Number, `in_range(x, 3.9, 10, "14d")`, "percent of the readings in the range"},
	{"days", []Param{Days}, Number, `days(x, "7d")`, "calendar days with a reading"},
	{"days_in_row", []Param{Any}, Number, `days_in_row(x, 1)`, "observed days in a row, newest first, whose greatest reading came to at least that much"},
	{"day_mean", []Param{Count, Count}, Number, `day_mean(x, 7, 4)`, "home protocol: mean of the last days, the first left out; not known under so many days"},
	{"below", []Param{Any, Length}, Truth, `below(x, 92, "15m")`, "every reading has been below for the length"},
	{"above", []Param{Any, Length}, Truth, `above(x, 110, "15m")`, "every reading has been above for the length"},
	{"at_most", []Param{Any, Length}, Truth, `at_most(x, 92, "15m")`, "every reading has been at or below for the length"},
	{"at_least", []Param{Any, Length}, Truth, `at_least(x, 110, "15m")`, "every reading has been at or above for the length"},
}

// FunctionOf answers the function of a name.
func FunctionOf(name string) (Function, bool) {
	for _, f := range Functions {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}
