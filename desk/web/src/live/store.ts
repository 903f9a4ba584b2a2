import { computed, reactive, ref, shallowReactive } from 'vue'
import type { Row, Session, Snapshot, Status, Warning } from '../api/types'
import { follow } from './link'
import type { Message } from './events'
import { exactly, heardAt, now, serverSaid } from './now'

/** Everything that the stream has told so far. Each change comes whole, so that folding one twice does no harm. */
export const warnings = shallowReactive(new Map<string, Warning>())
export const rows = shallowReactive(new Map<string, Row>())
export const session = ref<Session | null>(null)

/** isIn tells whether somebody is signed in for good: nothing is asked of them first, or the desk is locked and goes on hearing. */
export const isIn = (s: Session | null) => s !== null && (s.state === 'open' || s.state === 'locked')

/** What the stream last said of whether this session is locked. */
export const saidLocked = ref(false)

/** deskAway tells that it is not known who is signed in, since the desk did not answer. */
export const deskAway = ref(false)

interface Link {
  state: 'connecting' | 'up' | 'down'
  since: number // when it came into this state
  heard: number // when anything was last heard; 0: never
  ready: boolean // the list is whole
  status: Status | null
  statusAt: number
}

export const link = reactive<Link>({ state: 'connecting', since: 0, heard: 0, ready: false, status: null, statusAt: 0 })

/** Who wants to know of each change of a warning: sound and announcements. */
const listeners = new Set<(w: Warning, was: Warning | undefined) => void>()

export function onWarning(f: (w: Warning, was: Warning | undefined) => void): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}

export const rowKey = (r: { tenant: string; patient: string }) => `${r.tenant}/${r.patient}`

/** fold takes in one message of the stream. */
export function fold(m: Message) {
  link.heard = exactly()
  if (m.event === 'snapshot') snapshot(JSON.parse(m.data) as Snapshot)
  else if (m.event === 'warning') change(JSON.parse(m.data) as Warning)
  else if (m.event === 'patient') row(JSON.parse(m.data) as Row)
  else if (m.event === 'status') status(JSON.parse(m.data) as Status)
}

/** snapshot replaces everything: what it does not hold is closed, or elsewhere. */
function snapshot(s: Snapshot) {
  const open = new Set(s.warnings.map((w) => w.id))
  for (const id of warnings.keys()) if (!open.has(id)) warnings.delete(id)
  for (const w of s.warnings) put(w)
  rows.clear()
  for (const r of s.rows) rows.set(rowKey(r), r)
  if (s.status) status(s.status)
  saidLocked.value = s.locked
  link.ready = true
}

/** change takes in a warning, from the stream or as the answer to a click. An answer that was overtaken by the stream is passed over. */
export function change(w: Warning) {
  const was = warnings.get(w.id)
  if (!was || w.version >= was.version) put(w)
}

function put(w: Warning) {
  const was = warnings.get(w.id)
  warnings.set(w.id, w)
  for (const f of listeners) f(w, was)
}

/** row takes in a row of the board, from the stream or as it was asked for. */
export function row(r: Row) {
  const was = rows.get(rowKey(r))
  if (!was || r.version >= was.version) rows.set(rowKey(r), r)
}

function status(s: Status) {
  link.statusAt = heardAt(s.at)
  link.status = s
}

/** The age of what is shown, in ms: what the desk said of itself, and what has passed since it said so; null before it said anything. */
export const dataAge = computed(() =>
  link.status ? link.status.data_age_ms + Math.max(0, now.value - link.statusAt) : null,
)

/** Above this nobody is watching, and every desk says so. */
export const notWatchingMs = 30_000

/** agedSince is the moment up to which everything had been taken into account, when that is too long ago. */
const agedSince = computed(() => {
  if (dataAge.value !== null) return dataAge.value > notWatchingMs ? now.value - dataAge.value : null
  return link.since && link.state !== 'up' && now.value - link.since > notWatchingMs ? link.since : null
})

/** What the watchdog misses of the way from a device to this screen, or that nothing is heard of it. */
export type Missing = Status['watchdog']['faults'][number]['missing'] | 'silent'

/** missing is what keeps the watchdog's reading of each minute from this screen; null: nothing, as far as is known. */
export const missing = computed<Missing | null>(() => {
  const w = link.status?.watchdog
  if (w?.state === 'failing') return w.faults[0]?.missing ?? 'silent'
  return w?.state === 'silent' ? 'silent' : null
})

/** notWatchingSince is since when nobody is watching: what is shown is too old, or the watchdog's reading does not come through. */
export const notWatchingSince = computed(() => {
  const since = missing.value ? Date.parse(link.status?.watchdog.since ?? '') || link.statusAt : null
  if (agedSince.value === null || since === null) return agedSince.value ?? since
  return Math.min(agedSince.value, since)
})

export const isDown = computed(() => link.state === 'down')

/** The last moment at which something was heard, while there is no connection. */
export const downSince = computed(() => (isDown.value ? link.heard || link.since : null))

let stop: (() => void) | null = null
let opened = ''

/** listen opens the stream; with a group also for the rows of its board. */
export function listen(group = '', onSignedOut: () => void = () => {}) {
  if (stop && opened === group) return
  stop?.()
  opened = group
  rows.clear() // of another board, or of this one long ago: nothing keeps them fresh
  set(link.ready ? link.state : 'connecting')
  const mine = follow({
    url: '/v1/stream' + group,
    take: (m) => stop === mine && fold(m),
    up: (date) => {
      if (stop !== mine) return
      serverSaid(date)
      link.heard = exactly()
      set('up')
    },
    down: () => stop === mine && set('down'),
    ended: (why) => {
      if (stop !== mine || why === 'stopped') return
      forget()
      onSignedOut()
    },
  })
  stop = mine
}

/** forget ends the stream and drops all that was heard: whoever signs in next may not see what this one did. */
export function forget() {
  stop?.()
  stop = null
  opened = ''
  session.value = null
  saidLocked.value = false
  warnings.clear()
  rows.clear()
  Object.assign(link, { state: 'connecting', since: 0, heard: 0, ready: false, status: null, statusAt: 0 })
}

function set(state: Link['state']) {
  if (link.state === state && link.since) return
  link.state = state
  link.since = exactly()
}
