-- SPDX-License-Identifier: GPL-2.0-or-later

-- Names what goes to port 443, hides what comes from port 53, sums bytes and sizes.

return {
  labels = { "service", "side" },
  metrics = {
    test_bytes = { type = "gauge", help = "Bytes by service", labels = { "service", "side" } },
    test_snapshots_total = { type = "counter", help = "Snapshots" },
    test_flow_packets = { type = "histogram", help = "Packets of a flow", buckets = { 1, 10 } },
  },
  label = function(flow)
    if flow.dport == 443 then
      return { service = "https", side = "client" }
    end
    return { service = flow.sport == 53 and "dns" or nil }
  end,
  filter = function(flow)
    return flow.sport ~= 53
  end,
  derive = function(snapshot, emit)
    for service, side, sum in snapshot:sum_by("service", "side") do
      emit("test_bytes", sum.bytes, { service = service, side = side })
    end
    emit("test_snapshots_total", 1)
    for flow in snapshot:flows() do
      emit("test_flow_packets", flow.packets)
    end
  end,
}
