import { onBeforeUnmount, onMounted, type Ref } from 'vue'
import { moved, zoomed, type Span } from './axis'

/** useZoom lets a wheel, a finger and two fingers move the span that a box shows. left and right are what stands beside the drawing, in px. */
export function useZoom(box: Ref<HTMLElement | undefined>, span: () => Span, last: () => number, set: (s: Span) => void, [left, right]: [number, number]) {
  const fingers = new Map<number, number>() // where each is, in px
  let began: { span: Span; at: number; apart: number } | null = null

  const width = () => Math.max(1, (box.value?.clientWidth ?? 0) - left - right)
  const part = (clientX: number) => Math.min(1, Math.max(0, (clientX - (box.value?.getBoundingClientRect().left ?? 0) - left) / width()))
  const middle = () => [...fingers.values()].reduce((a, b) => a + b, 0) / fingers.size
  const apart = () => (fingers.size < 2 ? 0 : Math.abs([...fingers.values()][0]! - [...fingers.values()][1]!))
  const begin = () => (began = fingers.size ? { span: span(), at: middle(), apart: apart() } : null)

  function wheel(e: WheelEvent) {
    if (e.ctrlKey) return // the browser's own zoom of the page
    e.preventDefault()
    if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) set(moved(span(), e.deltaX / width(), last()))
    else set(zoomed(span(), Math.exp(Math.min(1, Math.max(-1, e.deltaY / 240))), part(e.clientX), last()))
  }

  function down(e: PointerEvent) {
    if (e.button !== 0 || (e.target as Element).closest('button, a')) return
    fingers.set(e.pointerId, e.clientX)
    begin()
  }

  function move(e: PointerEvent) {
    if (!began || !fingers.has(e.pointerId)) return
    fingers.set(e.pointerId, e.clientX)
    if (began.apart && apart()) set(zoomed(began.span, began.apart / Math.max(20, apart()), part(middle()), last()))
    else if (Math.abs(middle() - began.at) > 3) set(moved(began.span, (began.at - middle()) / width(), last()))
  }

  function up(e: PointerEvent) {
    fingers.delete(e.pointerId)
    begin()
  }

  onMounted(() => {
    const el = box.value
    el?.addEventListener('wheel', wheel, { passive: false })
    el?.addEventListener('pointerdown', down)
    window.addEventListener('pointermove', move)
    window.addEventListener('pointerup', up)
    window.addEventListener('pointercancel', up)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('pointermove', move)
    window.removeEventListener('pointerup', up)
    window.removeEventListener('pointercancel', up)
  })
}
