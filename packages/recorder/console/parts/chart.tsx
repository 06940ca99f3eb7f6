import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { moment } from '../format.js'
import { Scroll } from './scroll.js'

export type Line = {
  name: string
  values: readonly (number | null)[]
  /** Name of a colour in style/theme.css, as `--p95`. */
  color: string
  kind: 'line' | 'bar'
}

/** A vertical line: something began here. */
export type ChartMark = { at: number; label: string }

type Props = {
  title: string
  /** What the picture says, for those who do not see it. */
  summary: string
  /** Seconds since 1970, ascending. */
  times: readonly number[]
  lines: readonly Line[]
  format: (value: number) => string
  marks?: readonly ChartMark[]
  /** The text of the table's first column and of the legend. */
  time?: (seconds: number) => string
  /** A stretch was marked with the mouse, in ms since 1970. */
  onMark?: ((fromMs: number, untilMs: number) => void) | undefined
}

const height = 210

export const Chart = (props: Props) => {
  const { title, summary, times, lines, format, time = (seconds) => moment(seconds * 1000) } = props
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const latest = useRef(props)
  latest.current = props
  const [at, setAt] = useState<number | null>(null)
  const [asTable, setAsTable] = useState(false)
  const dark = useDark()
  const shape = `${dark} ${asTable} ${lines.map(({ name, color, kind }) => `${name}:${color}:${kind}`).join()}`

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const made = new uPlot(optionsOf(latest, element.clientWidth, setAt), dataOf(latest.current), element)
    plot.current = made
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [shape])

  useEffect(() => {
    plot.current?.setData(dataOf(props))
  }, [times, lines, props.marks])

  const shown = at ?? undefined
  return (
    <figure class="chart card">
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">
          {lines.map(({ name, color, values, kind }) => {
            const value = shown === undefined ? undefined : values[shown]
            return (
              <li key={name}>
                <span class={`swatch ${kind}`} style={{ background: `var(${color})` }} />
                {name}
                <b>{value === undefined ? '' : value === null ? '–' : format(value)}</b>
              </li>
            )
          })}
        </ul>
        <span class="when">
          {shown === undefined || times[shown] === undefined ? '' : time(times[shown])}
        </span>
        <button type="button" class="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'Chart' : 'Table'}
        </button>
      </figcaption>
      {asTable ? (
        <ChartTable title={title} times={times} lines={lines} format={format} time={time} />
      ) : (
        <div class="plot" ref={box} role="img" aria-label={`${title}. ${summary}`} />
      )}
    </figure>
  )
}

const ChartTable = ({
  title,
  times,
  lines,
  format,
  time,
}: Required<Pick<Props, 'title' | 'times' | 'lines' | 'format' | 'time'>>) => (
  <Scroll label={`${title} as a table`} also="chart-table">
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          {lines.map(({ name }) => (
            <th key={name} scope="col" class="number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {times.map((seconds, row) => (
          <tr key={seconds}>
            <th scope="row">{time(seconds)}</th>
            {lines.map(({ name, values }) => {
              const value = values[row] ?? null
              return (
                <td key={name} class="number">
                  {value === null ? '–' : format(value)}
                </td>
              )
            })}
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
)

const dataOf = ({ times, lines }: Props): uPlot.AlignedData => [
  [...times],
  ...lines.map(({ values }) => [...values]),
]

const optionsOf = (
  latest: { current: Props },
  width: number,
  onCursor: (at: number | null) => void,
): uPlot.Options => {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const font = `11px ${style.getPropertyValue('--font')}`
  const axis = { stroke: color('--muted'), font, ticks: { show: false } }
  const { lines, onMark } = latest.current
  return {
    width: Math.max(width, 50),
    height,
    legend: { show: false },
    padding: [12, 12, 0, 0],
    cursor: {
      y: false,
      points: { size: 7, fill: (_plot, at) => color(lines[at - 1]?.color ?? '--accent') },
      drag: { x: onMark !== undefined, y: false, setScale: false },
    },
    scales: {
      y: { range: (_plot, _least, most) => [0, most === null || most === 0 ? 1 : most * 1.08] },
      x: { time: true, range: (_plot, from, until) => roomFor(latest.current, from, until) },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 70, values: timesOfAxis },
      {
        ...axis,
        grid: { stroke: color('--line'), width: 1 },
        size: 58,
        space: 34,
        values: (_plot, values) => values.map((value) => latest.current.format(value)),
      },
    ],
    series: [
      {},
      ...lines.map(
        ({ name, color: own, kind }): uPlot.Series =>
          kind === 'bar'
            ? {
                label: name,
                fill: color(own),
                stroke: color(own),
                width: 0,
                points: { show: false },
                paths: uPlot.paths.bars!({ size: [0.82, 48], radius: 0.12 }),
              }
            : {
                label: name,
                stroke: color(own),
                width: 1.75,
                // A line of one point is none: it is drawn as a dot.
                points: {
                  size: 4,
                  filter: (plot, at, show) => (show ? null : alone(plot.data[at] ?? [])),
                },
              },
      ),
    ],
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width: marked } = plot.select
          if (marked < 4) return
          const { onMark: mark } = latest.current
          mark?.(plot.posToVal(left, 'x') * 1000, plot.posToVal(left + marked, 'x') * 1000)
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
      draw: [(plot) => drawMarks(plot, latest.current.marks ?? [], color('--mark'), font)],
    },
  }
}

/** Where a value has none on either side. */
const alone = (values: ArrayLike<number | null | undefined>): number[] =>
  Array.from(values, (value, at) =>
    value != null && values[at - 1] == null && values[at + 1] == null ? [at] : [],
  ).flat()

/** Half a step on either side: the bars of the first and last one stand in full. */
const roomFor = ({ times, lines }: Props, from: number, until: number): [number, number] => {
  const step = times.length > 1 ? times[1]! - times[0]! : 60
  const room = lines.some(({ kind }) => kind === 'bar') || from === until ? step / 2 : 0
  return [from - room, until + room]
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const month = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' })

const timesOfAxis = (_plot: uPlot, values: number[]): string[] => {
  const step = values.length > 1 ? values[1]! - values[0]! : 0
  return values.map((seconds) => {
    const at = new Date(seconds * 1000)
    if (step >= 2_000_000) return month.format(at)
    const midnight = at.getHours() === 0 && at.getMinutes() === 0
    return step >= 86_400 || midnight ? date.format(at) : clock.format(at)
  })
}

const drawMarks = (plot: uPlot, marks: readonly ChartMark[], color: string, font: string): void => {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height)
  ctx.clip()
  ctx.strokeStyle = color
  ctx.fillStyle = color
  ctx.font = font.replace('11px', `${10 * devicePixelRatio}px`)
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
  for (const { at, label } of marks) {
    const x = Math.round(plot.valToPos(at, 'x', true))
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    const right = x + ctx.measureText(label).width + 8 * devicePixelRatio > bbox.left + bbox.width
    ctx.textAlign = right ? 'right' : 'left'
    ctx.fillText(label, x + (right ? -4 : 4) * devicePixelRatio, bbox.top + 9 * devicePixelRatio)
  }
  ctx.restore()
}

/** Whether the dark colours hold: a canvas has to be drawn anew in the others. */
const useDark = (): boolean => {
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches)
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const follow = (): void => setDark(query.matches)
    query.addEventListener('change', follow)
    return () => query.removeEventListener('change', follow)
  }, [])
  return dark
}
