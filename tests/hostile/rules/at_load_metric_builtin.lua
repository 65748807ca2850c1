-- refused: names a metric as the daemon does: xdp_netflow_packets_total
-- SPDX-License-Identifier: GPL-2.0-or-later

return { metrics = { xdp_netflow_packets_total = { type = "counter", help = "x" } } }
