package rules

import (
	"strconv"
	"strings"

	"tocsin/streams/event"
)

// name is how a quantity is called and in which unit it is read.
type name struct{ zh, en, unit, ucum string }

var names = [event.Quantities]name{
	event.RespirationPerMin: {"呼吸频率", "breathing rate", " /min", "/min"},
	event.SpO2Percent:       {"血氧饱和度", "SpO2", " %", "%"},
	event.SupplementalO2:    {"吸氧", "oxygen", "", ""},
	event.SystolicMmHg:      {"收缩压", "systolic", " mmHg", "mm[Hg]"},
	event.DiastolicMmHg:     {"舒张压", "diastolic", " mmHg", "mm[Hg]"},
	event.PulsePerMin:       {"脉搏", "pulse", " /min", "/min"},
	event.ACVPU:             {"意识", "consciousness", "", ""},
	event.TemperatureCel:    {"体温", "temperature", " °C", "Cel"},
	event.WeightKg:          {"体重", "weight", " kg", "kg"},
	event.GlucoseMmolPerL:   {"血糖", "glucose", " mmol/L", "mmol/L"},
	event.PeakFlowLPerMin:   {"呼气峰流速", "peak flow", " L/min", "L/min"},
	event.KetoneMmolPerL:    {"血酮", "ketones", " mmol/L", "mmol/L"},

	event.SensorGlucoseMmolPerL:   {"动态血糖", "sensor glucose", " mmol/L", "mmol/L"},
	event.MeanPressureMmHg:        {"平均动脉压", "mean pressure", " mmHg", "mm[Hg]"},
	event.O2FlowLPerMin:           {"氧流量", "oxygen flow", " L/min", "L/min"},
	event.FiO2Percent:             {"吸氧浓度", "inspired oxygen", " %", "%"},
	event.CapillaryRefillS:        {"毛细血管充盈时间", "capillary refill", " s", "s"},
	event.RespiratoryDistress:     {"呼吸窘迫", "respiratory distress", "", ""},
	event.UrineMlPerH:             {"尿量", "urine", " mL/h", "mL/h"},
	event.StepsPerDay:             {"步数", "steps", "", "{steps}/d"},
	event.PainNRS:                 {"疼痛评分", "pain", "", "{score}"},
	event.UltrafiltrationMlPerDay: {"超滤量", "ultrafiltration", " mL/d", "mL/d"},
}

// Name answers how a quantity is called in Chinese and English, and its UCUM unit.
func Name(q event.Quantity) (zh, en, ucum string) {
	if int(q) >= event.Quantities {
		return q.String(), q.String(), ""
	}
	n := names[q]
	return n.zh, n.en, n.ucum
}

// text is a sentence in both languages, as it grows.
type text struct{ zh, en strings.Builder }

func (t *text) add(zh, en string) {
	t.zh.WriteString(zh)
	t.en.WriteString(en)
}

// both adds what is written the same way in both languages.
func (t *text) both(s string) { t.add(s, s) }

// hundredth is the finest step that people are shown.
const hundredth = event.One / 100

// value answers a reading as people read it: 84 %, 38.6 °C, C, yes.
func value(q event.Quantity, v event.Decimal) (zh, en string) {
	switch q {
	case event.ACVPU:
		l := event.ACVPULetter(v)
		return l, l
	case event.SupplementalO2:
		if v >= event.One {
			return "是", "yes"
		}
		return "否", "no"
	default:
		s := v.RoundTo(hundredth).String() + names[q].unit // 11.9 kPa came as 89.257328 mmHg: the record keeps it, nobody reads it
		return s, s
	}
}

func (t *text) reading(q event.Quantity, v event.Decimal) {
	zh, en := value(q, v)
	t.add(names[q].zh+" "+zh, names[q].en+" "+en)
}

// age puts a length of time into words.
func age(ms int64) (zh, en string) {
	switch min := ms / 60_000; {
	case min < 1:
		return "刚测", "just now"
	case min < 120:
		n := strconv.FormatInt(min, 10)
		return n + " 分钟前", n + " min ago"
	case min < 48*60:
		n := strconv.FormatInt(min/60, 10)
		return n + " 小时前", n + " h ago"
	default:
		n := strconv.FormatInt(min/1440, 10)
		return n + " 天前", n + " d ago"
	}
}

// length puts a span into words.
func length(ms int64) (zh, en string) {
	if ms%3_600_000 == 0 {
		n := strconv.FormatInt(ms/3_600_000, 10)
		return n + " 小时", n + " h"
	}
	if ms%60_000 != 0 {
		n := strconv.FormatInt(ms/1000, 10)
		return n + " 秒", n + " s"
	}
	n := strconv.FormatInt(ms/60_000, 10)
	return n + " 分钟", n + " min"
}

// clock answers a moment in the pack's zone, date its day alone.
func (p *Pack) clock(t event.Time) string {
	return (t + event.Time(p.ZoneMin)*60_000).Std().Format("2006-01-02 15:04")
}

func (p *Pack) date(t event.Time) string { return p.clock(t)[:10] }
