package alerts

import (
	"cmp"
	"strings"

	"tocsin/streams/event"
)

// Words answers a refusal in the person's words, Chinese and English.
func Words(reason, holder string) (zh, en string) {
	switch reason {
	case RefusedUnknown:
		return "没有这条预警", "there is no such warning"
	case RefusedClosed:
		return "该预警已结案", "this warning is closed"
	case RefusedHeld:
		return holder + " 已接手", holder + " has it already"
	case RefusedNotYours:
		return "该预警由 " + holder + " 负责，只能由其本人操作", holder + " has it: only they can do this"
	case RefusedNotAccepted:
		return "尚无人接手，请先接手", "nobody has taken it yet: accept it first"
	case RefusedRole:
		return "当前角色无权处理此级别的预警", "this role may not act on a warning as grave as this one is or has been"
	case RefusedContact:
		return "高优先级预警须在联系到患者后，或由医生说明理由，方可结案", "a high warning closes only after a contact, or with a doctor's reason"
	case RefusedOutcome:
		return "请选择处置结果", "say what it turned out to be"
	case RefusedOpen:
		return "该预警尚未结案", "this warning is still open"
	case RefusedJudged:
		return "该预警的结论已确定", "it is known already what this warning was"
	case RefusedWhom:
		return "请填写对象与结果", "say who it was and what came of it"
	case RefusedReason:
		return "请填写原因", "say why"
	case RefusedShelf:
		return "搁置时限不得超过该级别的上限，且须晚于当前时间", "it cannot be shelved for so long, nor until a moment that has passed"
	case RefusedNotShelved:
		return "该预警未被搁置", "this warning is not shelved"
	case RefusedLeft:
		return "该患者已结束管理", "this patient is not cared for any more"
	case RefusedNotLeft:
		return "该患者仍在管理中", "this patient is cared for"
	case RefusedDoctor:
		return "存在高优先级预警时，须由医生结束管理", "while a high warning is open only a doctor ends the care"
	case RefusedReading:
		return "请选择已测得的读数", "say which readings it is about"
	case RefusedTooLate:
		return "已超过 24 小时，须由医生或组长恢复管理", "after 24 hours only a doctor or the lead takes it back"
	default:
		return "无法执行：" + reason, "not possible: " + reason
	}
}

// faultWords names the kinds of faults for people. A kind that is not here is shown as it is.
var faultWords = map[string][2]string{
	"undecodable":       {"有一条数据无法读取，已另存", "a record could not be read and was put aside"},
	"too_large":         {"有一条结果过大，无法写入", "a result was too large to be written"},
	"runaway":           {"规则互相触发，已中止", "rules answered each other without end and were stopped"},
	"clock_leap":        {"服务器时钟跳变", "the server's clock leapt"},
	"door_shut":         {"数据接收曾中断", "nothing could be received for a while"},
	"unknown_patient":   {"收到未登记患者的数据", "readings came for a patient who is not enrolled"},
	"left_patient":      {"管理已结束的患者仍有设备上传数据", "a device still sends readings of a patient whose care has ended"},
	"no_pack":           {"所属专病组没有可用的规则包，未评分", "the patient's group has no rule pack, so nothing is scored"},
	"fenced":            {"一个程序部件出错，已隔离", "a part of the program failed and was fenced off"},
	"flood":             {"短时间内预警过多", "more warnings than this desk can take"},
	"outage":            {"多名患者同时数据中断", "many patients fell silent together"},
	"rota_ahead":        {"未来 14 天的值班表有空缺", "the rota of the next 14 days has gaps"},
	"subscriber_behind": {"有外部系统未能接收预警信息", "a system that is told of warnings does not take them"},
	"rota_gap":          {"上报流程中有一级无人值守，已跳过", "a step of the escalation names nobody and was passed over"},
}

// StepWords names whom a step of a policy asks, Chinese and English; a step that is not here by its own name.
func StepWords(to string) [2]string {
	words, ok := map[string][2]string{
		"nurse": {"护士", "nurse"}, "doctor-1": {"一线医生", "first doctor"}, "doctor-2": {"二线医生", "second doctor"},
		"duty-office": {"总值班室", "duty office"}, "day-list": {"日间清单", "the day list"}, "lead": {"负责人", "lead"},
		event.StepCoordinator: {"协调人", "the coordinator"}, event.StepOwner: {"问题责任人", "the owner of the problem"},
	}[to]
	if !ok {
		return [2]string{to, to}
	}
	return words
}

// faultReason words a fault as the reason of a technical warning.
func faultReason(e event.Envelope, now event.Time) event.Reason {
	kind, rule, zh, en := "", "", "", ""
	switch d := e.Data.(type) {
	case *event.TechnicalFault:
		kind, rule, zh, en = d.Kind, d.Kind, cmp.Or(d.DetailZh, d.Detail), d.Detail
	case *event.RuleFenced:
		kind, rule, en = "fenced", "fenced/"+d.Machine, d.Machine+" "+d.Rule+" "+d.Detail
		zh = en
	}
	of, _, _ := strings.Cut(kind, "/") // which of several it is stands behind the kind
	words, ok := faultWords[of]
	if !ok {
		words = [2]string{kind, kind}
	}
	return event.Reason{Rule: rule, Severity: event.Technical, Since: &now,
		Zh: words[0] + "（" + cut(zh) + "）", En: words[1] + " (" + cut(en) + ")"}
}

// cut keeps a warning small; the whole detail lies in the fault's own event.
func cut(s string) string {
	const most = 300
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}
