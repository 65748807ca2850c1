-- steps: loops in the comparator of a sort
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	table.sort({ 3, 2, 1 }, function() while true do end end)
end)
