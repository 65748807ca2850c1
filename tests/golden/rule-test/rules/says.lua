-- SPDX-License-Identifier: GPL-2.0-or-later

local names = {
  "src", "dst", "sport", "dport", "proto", "family", "vlan", "interface", "tcp_flags", "tos",
  "ttl_min", "ttl_max", "len_min", "len_max", "fragment", "packets", "bytes", "packets_delta",
  "bytes_delta", "first_seen", "last_seen", "duration",
}

return {
  init = function()
    xa.log("warn", "begins")
  end,
  derive = function(snapshot)
    xa.log(("now %.0f interval %g count %d"):format(snapshot.now, snapshot.interval, snapshot.count))
    for flow in snapshot:flows() do
      local words = {}
      for _, name in ipairs(names) do
        words[#words + 1] = name .. "=" .. tostring(flow[name])
      end
      xa.log(table.concat(words, " "))
    end
  end,
}
