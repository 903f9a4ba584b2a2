import type { Warning } from '../api/types'
import { now } from '../live/now'
import { aside, asks, isOpen, shelfAsk, unreached } from './queue'
import { useSay } from './say'
import { msUntil } from './span'

const { t, span, left } = useSay()

/** standing answers where a warning stands in a few words, as a row of the queue says it; empty while it only waits for somebody. */
export function standing(w: Warning, me: string): string {
  if (!isOpen(w)) return t('queue.gone')
  if (w.state === 'shelved') return t('warning.shelved')
  if (w.state === 'suppressed') return t('warning.suppressed')
  const asked = shelfAsk(w, now.value)
  if (asked && asked.by !== me) return t('queue.asksShelve', { who: asked.by })
  if (asks(w)) return ''
  if (w.offered === me) return t('queue.offers', { who: w.owner })
  const mine = w.owner === me
  if (w.call) return mine ? t('queue.youCall') : t('queue.calls', { who: w.owner })
  const who = mine ? t('warning.mine') : w.owner
  if (w.state === 'in_care') return t('queue.inCare', { who })
  return unreached(w) ? t('queue.unreached', { who }) : who
}

/** timeOf answers the time of a row: how long until somebody is asked, or until what lies aside comes back. */
export function timeOf(w: Warning): string {
  if (!aside(w)) return left(w.answer_by)
  const ms = msUntil(w.answer_by, now.value)
  return ms === null ? '' : t('span.backIn', { span: span(Math.max(0, ms), ms < 60_000) })
}
