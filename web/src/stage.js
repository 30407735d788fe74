// One map after the other: the canvas paints everything at once, MapLibre takes over when it shows the same.

/** Return a map that passes every call on to the map in use, and keeps a second one up to date until it takes over. */
export function createStage(first) {
  let current = first;
  let maps = [first];
  let order = [];
  const handlers = { move: [], settle: [], pick: () => {} };
  const traced = { line: null };
  let played = null;
  const call = (map, list) => () => { if (map === current) for (const handler of list) handler(); };
  function attach(map) {
    map.onMove(call(map, handlers.move));
    map.onSettle(call(map, handlers.settle));
    map.onPick((hit, point) => { if (map === current) handlers.pick(hit, point); });
  }
  attach(first);
  return {
    get kind() { return current.kind; },
    get raw() { return current.raw; },
    setOrder(ids) { order = ids; for (const map of maps) map.setOrder(ids); },
    setLayer: (layer, isVisible) => Promise.all(maps.map((map) => map.setLayer(layer, isVisible))),
    setYear(year) { for (const map of maps) map.setYear(year); },
    trace(line) { traced.line = line; for (const map of maps) map.trace(line); },
    play(lines) { played = lines; for (const map of maps) map.play(lines); },
    resize() { for (const map of maps) map.resize(); },
    project: (position) => current.project(position),
    zoom: () => current.zoom(),
    centre: () => current.centre(),
    onMove(handler) { handlers.move.push(handler); },
    onSettle(handler) { handlers.settle.push(handler); },
    onPick(handler) { handlers.pick = handler; },
    flyTo: (position, zoom) => current.flyTo(position, zoom),
    zoomBy: (step) => current.zoomBy(step),
    fit: () => current.fit(),
    painted: () => current.painted(),
    drawn: () => current.drawn(),
    /** Give `next` the same layers, year and view, wait until it is painted, and use it from then on. */
    async replaceBy(next, layers, visible, year) {
      next.setOrder(order);
      next.setYear(year);
      attach(next);
      maps = [current, next];
      await Promise.all(layers.filter((layer) => visible.has(layer.layer_id)).map((layer) => next.setLayer(layer, true)));
      if (traced.line) await next.trace(traced.line);
      if (played) await next.play(played);
      await next.painted();
      // The reader may have moved the canvas meanwhile.
      next.jumpTo(current.centre(), current.zoom());
      await next.painted();
      current = next;
      maps = [next];
    },
  };
}
