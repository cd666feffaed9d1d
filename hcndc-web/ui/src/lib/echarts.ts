/** The parts of ECharts that our charts need; loaded with the first chart, so that no other page waits for them. */
import { BarChart, LineChart } from 'echarts/charts'
import { AriaComponent, DataZoomInsideComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([AriaComponent, BarChart, CanvasRenderer, DataZoomInsideComponent, GridComponent, LegendComponent, LineChart, MarkLineComponent, TooltipComponent])

export { init }
