-- error: calls a snapshot's method on a set
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function(snapshot)
	return snapshot.sum_by(xa.cidr({}), "src")
end)
