-- invalid: emits a metric of the daemon
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot, emit)
	emit("xdp_netflow_packets_total", 1)
end)
