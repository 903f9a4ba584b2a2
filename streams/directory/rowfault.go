package directory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// RowFault is what is wrong with a row of an import, all of it.
type RowFault struct {
	Line int // in the file, where the row begins; 0: the file itself
	err  error
}

// faultOf answers the faults of a row as one.
func faultOf(line int, err error) RowFault {
	var p *csv.ParseError
	if errors.As(err, &p) {
		line = p.StartLine
	}
	return RowFault{line, err}
}

// Error puts the line in front of every fault, unless the csv reader has named it already.
func (f RowFault) Error() string {
	var p *csv.ParseError
	if f.Line == 0 || errors.As(f.err, &p) {
		return f.err.Error()
	}
	all := strings.Split(f.err.Error(), "\n")
	for i, fault := range all {
		all[i] = fmt.Sprintf("line %d: %s", f.Line, fault)
	}
	return strings.Join(all, "\n")
}

func (f RowFault) Unwrap() error { return f.err }

// InChinese says the same, with the line.
func (f RowFault) InChinese() string {
	if f.Line == 0 {
		return InChinese(f.err)
	}
	return fmt.Sprintf("第 %d 行：%s", f.Line, InChinese(f.err))
}

// Words answers what is wrong, without the line, in both languages.
func (f RowFault) Words() (zh, en string) {
	return InChinese(f.err), strings.ReplaceAll(f.err.Error(), "\n", "; ")
}

// words is an error for people.
type words struct{ en, zh string }

func inWords(en, zh string) error { return words{en, zh} }

func (w words) Error() string { return w.en }

// InChinese says the same.
func (w words) InChinese() string { return w.zh }

// InChinese answers what an error says in Chinese; where nobody has said it, as it stands.
func InChinese(err error) string {
	var p *csv.ParseError
	switch e := any(err).(type) { // of several joined ones each says its own, so what is wrapped is not looked for yet
	case interface{ InChinese() string }:
		return e.InChinese()
	case interface{ Unwrap() []error }:
		var all []string
		for _, one := range e.Unwrap() {
			all = append(all, InChinese(one))
		}
		return strings.Join(all, "；")
	}
	if errors.As(err, &p) {
		return fmt.Sprintf("第 %d 行第 %d 列：引号或分隔符有误", p.Line, p.Column)
	}
	return err.Error()
}

// checkText refuses what is not UTF-8. Taking it for another encoding would be a guess, and what is guessed wrongly is somebody's name.
func checkText(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		at += size
	}
	line := 1 + bytes.Count(text[:at], []byte("\n"))
	return inWords(
		fmt.Sprintf("the file is not UTF-8 (first on line %d): it is probably GBK or GB18030, as spreadsheets write it; save it as \"CSV UTF-8\" and import that", line),
		fmt.Sprintf("文件不是 UTF-8 编码（首见于第 %d 行），可能是表格软件默认的 GBK／GB18030；请在表格软件中另存为“CSV UTF-8”后再导入", line))
}
