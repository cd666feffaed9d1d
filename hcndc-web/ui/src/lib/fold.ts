/** Folding: what comes only after a folded node is left out of the picture. */
import { Ties, type Graph } from './graph'

/** The graph without what can be reached through folded nodes only; each of those tells how many nodes that are. */
export function folded(graph: Graph, folds: ReadonlySet<number>): Graph {
  if (!folds.size) return graph
  const ties = new Ties(graph.edges)
  const shown = reached(graph, ties, folds)
  // What is in a circle has no beginning: it was not reached before anything was folded, and stays.
  const before = reached(graph, ties, new Set())
  const stays = (id: number) => shown.has(id) || !before.has(id)
  const nodes = graph.nodes
    .filter((it) => stays(it.id))
    .map((it) => {
      if (!folds.has(it.id)) return it
      const hidden = [...ties.reach(it.id, 'down')].filter((id) => !stays(id)).length
      return hidden ? { ...it, folded: hidden } : it
    })
  return { ...graph, nodes, edges: graph.edges.filter((it) => stays(it.from) && stays(it.to)) }
}

function reached(graph: Graph, ties: Ties, folds: ReadonlySet<number>): Set<number> {
  const below = new Set(graph.edges.filter((it) => it.from !== it.to).map((it) => it.to))
  const open = graph.nodes.map((it) => it.id).filter((id) => !below.has(id))
  const seen = new Set(open)
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (folds.has(at)) continue
    for (const next of ties.next(at, 'down')) {
      if (seen.has(next)) continue
      seen.add(next)
      open.push(next)
    }
  }
  return seen
}
