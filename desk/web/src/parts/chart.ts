import { CustomChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { option, type Around, type Greys, type Panel } from './chart-option'

export * from './chart-option'

use([CustomChart, LineChart, ScatterChart, GridComponent, TooltipComponent, MarkAreaComponent, MarkLineComponent, CanvasRenderer])

/** draw puts a chart into box. It is all greys: colour would say a severity. */
export function draw(box: HTMLElement) {
  const chart = init(box, undefined, { renderer: 'canvas' })
  return {
    show: (panels: Panel[], a: Around) => {
      chart.setOption(option(panels, a, greysOf(box), getComputedStyle(document.body).fontFamily), true)
    },
    /** move shows another stretch of time at once, with what is there. */
    move: (panels: Panel[], from: number, to: number) => chart.setOption({ xAxis: panels.map(() => ({ min: from, max: to })) }),
    fit: () => chart.resize(),
    end: () => chart.dispose(),
  }
}

function greysOf(box: HTMLElement): Greys {
  const style = getComputedStyle(box)
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return { ink: read('ink'), ink2: read('ink2'), line: read('line'), edge: read('edge'), panel: read('panel'), shade: read('shade') }
}
