import type { Session, Warning } from '../api/types'
import { aside, asks, held, isOpen, shelfAsk } from './queue'

export type Verb = 'accept' | 'giveBack' | 'close' | 'call' | 'offer' | 'note' | 'shelve' | 'unshelve'

/** Why something is not possible now, as the words in warning.cannot; who is named where that is the reason. */
export type Refusal = 'closed' | 'yours' | 'held' | 'notYours' | 'notAccepted' | 'role' | 'aside' | 'notAside' | 'offline'

export interface Asker {
  session: Session | null
  down: boolean
}

/** Who may close, or shelve, what another has taken; the desk decides, this spares people a click. */
const overrules = (s: Session | null) => s?.role === 'lead' || s?.role === 'doctor'

/**
 * cannot answers why a verb is not possible for this person now; null: it is. It mirrors the desk's table of what is allowed
 * in which state, so that a page offers no button which would be refused; the desk refuses all the same.
 */
export function cannot(verb: Verb, w: Warning, who: Asker, now: number): Refusal | null {
  if (!isOpen(w)) return 'closed'
  const me = who.session?.account ?? ''
  const state = byState(verb, w, me, overrules(who.session), now)
  if (state) return state
  if (!roleMay(w, who.session)) return 'role'
  return who.down ? 'offline' : null
}

function byState(verb: Verb, w: Warning, me: string, overrules: boolean, now: number): Refusal | null {
  const mine = w.owner === me
  switch (verb) {
    case 'accept':
      if (!held(w) || w.offered === me || w.handover) return null
      return mine ? 'yours' : 'held'
    case 'note':
      return null
    case 'shelve':
      if (aside(w)) return 'aside' // the time is over sooner or later; who wants another ends this one first
      return !held(w) || mine || overrules || shelfAsk(w, now) ? null : 'notYours'
    case 'unshelve':
      return aside(w) ? null : 'notAside'
    case 'close':
      if (!held(w)) return 'notAccepted'
      return mine || overrules ? null : 'notYours'
    default:
      if (!held(w)) return 'notAccepted'
      return mine ? null : 'notYours'
  }
}

/** The gravest that a warning has been decides who may act on it. */
function roleMay(w: Warning, s: Session | null): boolean {
  if (!s?.may) return true // not known yet
  const grave = [w.peak, w.severity].some((x) => x === 'high' || x === 'medium')
  return grave ? s.may.act_grave : s.may.act
}

/** primary is the one thing that is asked of this person now; it always stands at the same place. What lies aside asks nothing. */
export function primary(w: Warning, me: string): Verb | null {
  if (!isOpen(w) || aside(w)) return null
  if (asks(w) || (w.offered === me && w.owner !== me)) return 'accept'
  if (w.owner !== me) return null
  return w.state === 'in_care' ? 'close' : 'call'
}

/** Whom to call, in order. */
export const ladder = ['patient', 'carer', 'community', 'emergency'] as const
export type Whom = (typeof ladder)[number]

/** nextOn answers whom to call next: after who was tried in vain comes the next, and after the last the first again. */
export function nextOn(w: Warning): Whom {
  const at = w.tried && w.tried.outcome !== 'reached' ? ladder.indexOf(w.tried.whom) : -1
  return ladder[(at + 1) % ladder.length]!
}

const lengths = [5, 10, 20, 30, 60, 120, 240, 480, 1440, 2880, 4320]

/** shelveFor answers for how many minutes a warning can be shelved: the four longest usual ones within its limit. */
export function shelveFor(limitMs: number): number[] {
  const most = Math.floor(limitMs / 60_000)
  const fit = lengths.filter((n) => n <= most)
  if (most > 0 && !fit.includes(most)) fit.push(most)
  return fit.slice(-4)
}

/** takesTwo tells whether shelving takes a second person: a high always does, another where its policy says so. */
export const takesTwo = (w: Warning, policy?: { shelve_two?: boolean }) => w.peak === 'high' || !!policy?.shelve_two
