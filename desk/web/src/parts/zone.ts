/** Moments by the clock of a zone that is not the browser's: a rota goes by the hospital's. */

const formats = new Map<string, Intl.DateTimeFormat>()

function format(zone: string): Intl.DateTimeFormat {
  let f = formats.get(zone)
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    formats.set(zone, f)
  }
  return f
}

/** isZone tells whether the browser knows a zone of this name. */
export function isZone(zone: string): boolean {
  try {
    return zone !== '' && !!format(zone)
  } catch {
    return false
  }
}

/** localOf answers a moment as YYYY-MM-DDTHH:MM by the clock of a zone. */
export function localOf(at: number, zone: string): string {
  const p = Object.fromEntries(format(zone).formatToParts(at).map((x) => [x.type, x.value]))
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`
}

/** momentOf answers the moment at which the clock of a zone shows local; NaN when local is no time. What the clock leaps over is as much later, and of what it shows twice it is the first. */
export function momentOf(local: string, zone: string): number {
  const wall = Date.parse(local + ':00Z')
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(local) || Number.isNaN(wall)) return NaN
  const off = (at: number) => Date.parse(localOf(at, zone) + ':00Z') - at
  const day = 86_400_000
  const offs = [off(wall - day), off(wall + day)] // those before and after a leap, whichever way
  const fits = offs.map((o) => wall - o).filter((at) => localOf(at, zone) === local)
  return fits.length ? Math.min(...fits) : wall - offs[0]!
}
