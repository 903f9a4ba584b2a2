import { iso } from './ward.mjs'

// What the verbs do to a warning, as alerts' table has it: the same refusals with the same words, so that a test of the screens
// is not kinder than the desk.

const minute = 60_000
const words = {
  closed: ['该预警已结案', 'this warning is closed'],
  already_accepted: ['{} 已接手', '{} has it already'],
  not_yours: ['该预警由 {} 负责，只能由其本人操作', '{} has it: only they can do this'],
  not_accepted: ['尚无人接手，请先接手', 'nobody has taken it yet: accept it first'],
  role: ['当前角色无权处理此级别的预警', 'this role may not act on a warning as grave as this one is or has been'],
  needs_contact: ['高优先级预警须在联系到患者后，或由医生说明理由，方可结案', "a high warning closes only after a contact, or with a doctor's reason"],
  needs_outcome: ['请选择处置结果', 'say what it turned out to be'],
  open: ['该预警尚未结案', 'this warning is still open'],
  judged: ['该预警的结论已确定', 'it is known already what this warning was'],
  needs_whom: ['请填写对象与结果', 'say who it was and what came of it'],
  needs_reason: ['请填写原因', 'say why'],
  shelf_limit: ['搁置时限不得超过该级别的上限，且须晚于当前时间', 'it cannot be shelved for so long, nor until a moment that has passed'],
  not_shelved: ['该预警未被搁置', 'this warning is not shelved'],
  left: ['该患者已结束管理', 'this patient is not cared for any more'],
  not_left: ['该患者仍在管理中', 'this patient is cared for'],
  needs_doctor: ['存在高优先级预警时，须由医生结束管理', 'while a high warning is open only a doctor ends the care'],
  unknown: ['没有这位患者', 'there is no such patient'],
}

export const refused = (reason, holder = '') => ({ reason, holder, zh: words[reason][0].replace('{}', holder), en: words[reason][1].replace('{}', holder) })

export const limits = { high: 30 * minute, medium: 240 * minute, low: 1440 * minute, technical: 4320 * minute }
const care = { high: 10, medium: 60, low: 1440, technical: 1440 }
const closing = { high: 60, medium: 240, low: 1440, technical: 1440 }
const retry = { high: 5, medium: 15, low: 240, technical: 240 }
const answer = { high: 3, medium: 15, low: 720, technical: 720 }

export const roleOf = (account) => ({ dr: 'doctor', lead: 'lead', hm: 'health-manager', auditor: 'auditor', admin: 'administrator', security: 'security' })[account.split('-')[0]] ?? 'nurse'
export function mayOf(role) {
  const grave = ['lead', 'nurse', 'doctor'].includes(role)
  const admin = role === 'administrator'
  const register = { accounts: admin || role === 'security', register: admin, enrol: admin || role === 'lead', know: false, name: false, leave: false, draft: false, consent: false, team: admin || role === 'lead', choose: false }
  if (['auditor', 'administrator', 'security'].includes(role)) return { see: false, act: false, act_grave: false, reason: false, admin, order_plan: admin, review: role === 'security', audit: !admin, emergency: false, ...register }
  return { review: role === 'lead', audit: false, emergency: role !== 'lead', see: true, act: true, act_grave: grave, reason: role === 'doctor', admin: false, order_plan: false, ...register, register: true, know: role !== 'pharmacist', name: ['lead', 'nurse', 'clinic'].includes(role), leave: grave, draft: ['lead', 'doctor'].includes(role), consent: role !== 'pharmacist', choose: grave || role === 'health-manager' }
}
const grave = (w) => w.peak === 'high' || w.peak === 'medium'
const overrules = (me) => me.role === 'doctor' || me.role === 'lead'
const held = (w) => w.state === 'accepted' || w.state === 'in_care'
const aside = (w) => w.state === 'shelved' || w.state === 'suppressed'

/** Whoever has it, the shelf and the window let it go: it asks again. */
function release(w, now) {
  const { offered, call, planned, accepted_at, shelf, ...rest } = w
  return { ...rest, ...(shelf && w.state !== 'shelved' ? { shelf } : {}), state: 'returned', was: w.owner || w.was, owner: '', since: iso(now), answer_by: iso(now + answer[w.severity] * minute) }
}

/** The time of a shelf is over, and it asks again. */
export const woken = (w, now) => release(w, now)

function shelved(w, shelf, now) {
  return { ...release(w, now), state: 'shelved', answer_by: shelf.until, shelf }
}

/** tell adds a line to a warning's story. */
function tell(w, m) {
  return { ...w, said: [...(w.said ?? []), m] }
}

const contacts = ['patient', 'carer', 'community', 'emergency']
const mine = (w, me) => (w.owner !== me.account ? ['not_yours', w.owner] : grave(w) && !me.may.act_grave ? ['role'] : null)

const verbs = {
  accept(w, me, b, now) {
    if (w.state === 'closed') return ['closed']
    if (held(w) && w.owner === me.account) return w
    if (held(w) && w.offered !== me.account) return ['already_accepted', w.owner]
    if (grave(w) && !me.may.act_grave) return ['role']
    const { offered, call, planned, shelf, ...rest } = w
    const kept = shelf && w.state !== 'shelved' ? { shelf } : {}
    return { ...rest, ...kept, was: w.owner || w.was, state: w.state === 'in_care' ? 'in_care' : 'accepted', owner: me.account, accepted_at: iso(now), since: iso(now), answer_by: held(w) ? w.answer_by : iso(now + care[w.severity] * minute) }
  },
  return(w, me, b, now) {
    if (!held(w)) return ['not_accepted']
    return w.owner === me.account ? release(w, now) : ['not_yours', w.owner]
  },
  call(w, me, { whom }, now) {
    if (!held(w)) return ['not_accepted']
    return mine(w, me) ?? (contacts.includes(whom) ? tell({ ...w, call: { by: me.account, whom, at: iso(now) } }, { at: iso(now), type: 'alert.calling', by: me.account, to: whom, text_zh: `${me.account} 正在联系 ${whom}`, text_en: `${me.account} is calling ${whom}` }) : ['needs_whom'])
  },
  contact(w, me, { whom, outcome, note = '' }, now) {
    if (!held(w)) return ['not_accepted']
    const no = mine(w, me)
    if (no) return no
    if (!contacts.includes(whom) || !['reached', 'no_answer', 'wrong_number'].includes(outcome)) return ['needs_whom']
    const { call, ...rest } = w
    const by = w.state === 'in_care' ? w.answer_by : iso(now + (outcome === 'reached' ? closing : retry)[w.severity] * minute)
    const next = { ...rest, answer_by: by, tried: { by: me.account, whom, outcome, at: iso(now) } }
    if (outcome === 'reached') Object.assign(next, { contacted: true }, w.state === 'in_care' ? {} : { state: 'in_care', since: iso(now) })
    return tell(next, { at: iso(now), type: 'alert.contacted', by: me.account, to: whom, text_zh: `${me.account} 联系 ${whom}：${outcome}${note && `（${note}）`}`, text_en: `${me.account} called ${whom}: ${outcome}${note && ` (${note})`}` })
  },
  offer(w, me, { to, note = '' }, now) {
    if (!held(w)) return ['not_accepted']
    return mine(w, me) ?? (to && to !== w.owner ? tell({ ...w, offered: to }, { at: iso(now), type: 'alert.offered', by: me.account, to, text_zh: `${me.account} 拟转交 ${to} ${note}`, text_en: `${me.account} offers it to ${to} ${note}` }) : ['needs_whom'])
  },
  note(w, me, { text }, now) {
    if (grave(w) && !me.may.act_grave) return ['role']
    return text ? tell(w, { at: iso(now), type: 'alert.noted', by: me.account, text_zh: `${me.account}：${text}`, text_en: `${me.account}: ${text}` }) : ['needs_reason']
  },
  shelve(w, me, { reason = '', for_min = 0 }, now) {
    if (grave(w) && !me.may.act_grave) return ['role']
    const second = w.shelf && w.state !== 'shelved' && w.shelf.by !== me.account && now <= Date.parse(w.shelf.confirm_by)
    if (w.owner && w.owner !== me.account && !overrules(me) && !second) return ['not_yours', w.owner]
    if (second) return shelved(w, { by: w.shelf.by, second: me.account, reason: w.shelf.reason, until: w.shelf.until }, now)
    if (!reason) return ['needs_reason']
    if (for_min <= 0 || for_min * minute > w.shelve_ms) return ['shelf_limit']
    const shelf = { by: me.account, reason, until: iso(now + for_min * minute) }
    return w.peak === 'high' ? { ...w, shelf: { ...shelf, confirm_by: iso(now + 10 * minute) } } : shelved(w, shelf, now)
  },
  unshelve(w, me, b, now) {
    if (!aside(w)) return ['not_shelved']
    return grave(w) && !me.may.act_grave ? ['role'] : release(w, now)
  },
  close(w, me, b, now) {
    if (!held(w)) return ['not_accepted']
    if (grave(w) && !me.may.act_grave) return ['role']
    if (w.owner !== me.account && !overrules(me)) return ['not_yours', w.owner]
    if (!b.outcome) return ['needs_outcome']
    if (w.peak === 'high' && !b.contacted && !w.contacted && (me.role !== 'doctor' || !b.done)) return ['needs_contact']
    return { ...w, state: 'closed', closed_at: iso(now), since: iso(now), answer_by: null, outcome: b.outcome }
  },
  outcome(w, me, b) {
    if (w.state !== 'closed') return ['open']
    if (w.outcome !== 'not_known_yet') return ['judged']
    if (grave(w) && !me.may.act_grave) return ['role']
    return ['real', 'real_usual', 'measurement_fault', 'technical'].includes(b.outcome) ? { ...w, outcome: b.outcome } : ['needs_outcome']
  },
}

/** does answers what a verb makes of a warning, or [reason, holder]. */
export function does(verb, w, me, body, now) {
  if (w.state === 'closed' && verb !== 'outcome') return ['closed']
  return verbs[verb](w, me, body, now)
}

export const verbNames = Object.keys(verbs)

/** A patient's care ends: what is refused, or null. */
export function leaving(open, me, { why, contacted }) {
  if (!me.may.act_grave) return ['role']
  if (!['discharged', 'died', 'consent_withdrawn'].includes(why)) return ['needs_reason']
  for (const w of open.filter((x) => x.peak === 'high')) {
    if (me.role !== 'doctor') return ['needs_doctor']
    if (!contacted && !w.contacted) return ['needs_contact']
  }
  return null
}
