import { iso } from './ward.mjs'

// Signing in, the second factor and the lock, as the desk has them: factor-a has one (any account whose name begins so), owes-a must set
// one up, reset-a has lost it. The code is 123456, a recovery code aaaa-bbbb-cccc-dddd; each opens once for each sign-in here.

export const code = '123456'
export const recovery = Array.from({ length: 10 }, (_, i) => `aaa${'abcdefghij'[i]}-bbbb-cccc-dddd`)
const qr = Array.from({ length: 33 }, (_, y) => Array.from({ length: 33 }, (_, x) => ((x < 7 && y < 7) || (x * 7 + y * 13 + x * y) % 3 === 0 ? '1' : '0')).join(''))

const said = (status, reason, zh, en) => ({ status, reason, zh, en })
const wrongCode = said(401, 'code', '验证码不正确', 'the code is wrong')
const wrongPassword = said(401, 'sign_in', '账号或密码不正确', 'account or password is wrong')
const lockedWords = said(423, 'locked', '屏幕已锁定，请先解锁', 'this session is locked: unlock it first')

/** begun answers what is kept of a sign-in. */
export const begun = (account, role, may, lockAfter) => ({
  account, role, may, must_change: account === 'new', must_enrol: account === 'owes-a', awaits: account.startsWith('factor-a'), locked: false, method: account === 'oidc-a' ? 'oidc' : 'password', lock_after_ms: lockAfter,
  factor: { on: account.startsWith('factor-a'), required: account === 'owes-a', possible: account !== 'bare-a', recovery_left: account.startsWith('factor-a') ? 2 : 0, ...(account === 'reset-a' && { reset: { by: 'admin-1', at: iso(Date.now() - 3_600_000) } }) },
})

/** told answers a session as the desk says it. */
export function told(me) {
  const { awaits, must_enrol, locked, ...rest } = me
  const none = { see: false, act: false, act_grave: false, reason: false, admin: false, order_plan: false, review: false, audit: false, emergency: false }
  if (awaits) return { ...rest, state: 'code', role: '', method: '', may: none }
  return { ...rest, state: locked ? 'locked' : me.must_change ? 'must_change' : must_enrol ? 'must_enrol' : 'open' }
}

/** barred answers why an operation is refused before anything else; undefined: it is not. */
export function barred(me, part, method) {
  const path = part.slice(1).join('/')
  if (me.awaits && !(path === 'session' && method === 'DELETE') && path !== 'session/code') return said(401, 'signed_out', '请先登录', 'sign in first')
  if (me.locked && !['session', 'session/lock', 'session/unlock', 'stream'].includes(path)) return lockedWords
  if (me.must_enrol && !path.startsWith('session')) return said(403, 'must_enrol', '请先设置两步验证', 'set up a second factor first')
}

const fits = (me, given) => !me.factor.on || given === code || recovery.includes(given)

/** steps answers what a step about one's own session leads to: a problem, or what is said. */
export const steps = {
  code: (me, body) => (body.code?.replace(' ', '') === code || recovery.includes(body.code) ? ((me.awaits = false), null) : wrongCode),
  lock: (me) => ((me.locked = true), null),
  unlock: (me, body) => (body.password !== 'mock' ? wrongPassword : fits(me, body.code) ? ((me.locked = false), null) : wrongCode),
  here: () => null,
  password: (me) => ((me.must_change = false), null),
  factor: (me, body) => (body.password !== 'mock' ? wrongPassword : fits(me, body.code) ? { answer: { account: me.account, secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', uri: 'otpauth://totp/Tocsin:x', qr, until: iso(Date.now() + 900_000) } } : wrongCode),
  'factor/confirm': (me, body) => {
    if (body.code !== code) return wrongCode
    me.must_enrol = false
    me.factor = { on: true, required: me.factor.required, possible: true, recovery_left: 10 }
    return { answer: () => ({ recovery, session: told(me) }) }
  },
}

/** unnamed leaves of a warning what a locked desk is told. */
export const unnamed = ({ id, state, severity, peak, danger, raised_at, since, answer_by, level, asked, handover, eased, version }) => ({
  id, state, severity, peak, danger, raised_at, since, answer_by, level, asked, handover, eased, version, tenant: '', patient: '', group: '', problem: '', episode: 0, rule: '', owner: '', reasons: [], shelve_ms: 0,
})
