-- invalid: labels with two lines
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.label(function()
	return { hostile = "a\nxdp_netflow_packets_total 1" }
end)
