// Cells of the lists of features: made of elements, so that no text of a run becomes HTML.
window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, {
  SaedbLinked: function (props) {
    if (!props.data) return null
    const link = { href: props.data.href, title: props.data.id, 'data-inner': 'true' }
    return window.React.createElement('a', link, props.value)
  },
  SaedbLabel: function (props) {
    if (!props.data) return null
    if (props.value) return window.React.createElement('span', null, props.value)
    return window.React.createElement('span', { className: 'muted' }, 'no label')
  },
  SaedbMeasure: function (props) {
    const name = props.colDef.field
    if (!props.data || props.data[name] == null) return null
    return window.React.createElement('span', { title: props.data.meant[name] || undefined }, props.data.written[name])
  },
  SaedbCommunity: function (props) {
    if (!props.value) return null
    const e = window.React.createElement
    const dot = e('span', { className: 'dot', style: { background: props.data.colour }, key: 'dot' })
    return e('a', { href: props.data.community_href, 'data-inner': 'true' }, dot, props.value)
  },
})

window.dash_clientside = Object.assign({}, window.dash_clientside)
window.dash_clientside.saedb = Object.assign({}, window.dash_clientside.saedb, {
  // The words once nobody has typed for a moment. An input's own delay puts the cursor back to where it was.
  typed: function (words) {
    window.saedbTyped = words
    return new Promise(function (resolve) {
      setTimeout(function () {
        resolve(window.saedbTyped === words ? words : window.dash_clientside.no_update)
      }, 250)
    })
  },
  // What is asked for has changed, or was while the rows of something else were on their way: the grid begins again.
  askAgain: function (asked, given) {
    const grid = JSON.stringify(asked) !== JSON.stringify(given) && window.dash_ag_grid.getApi('search-grid')
    if (grid && given) {
      grid.paginationGoToFirstPage()
      grid.purgeInfiniteCache()
    }
    return window.dash_clientside.no_update
  },
})
