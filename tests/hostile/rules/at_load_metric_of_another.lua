-- refused: names a metric as another rule does: xdp_netflow_service_bytes
-- SPDX-License-Identifier: GPL-2.0-or-later

return { metrics = { xdp_netflow_service_bytes = { type = "gauge", help = "x" } } }
