// SPDX-License-Identifier: GPL-2.0
/*
 * An MDIO bus whose registers Rust answers for, and network devices that
 * attach to its PHYs: what has no Rust abstraction.
 *
 * /dev/phy-sim's mutex serialises all calls but those of the MDIO bus itself.
 */

#include <linux/clk-provider.h>
#include <linux/clkdev.h>
#include <linux/device/faux.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/libfdt.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/of.h>
#include <linux/of_fdt.h>
#include <linux/of_mdio.h>
#include <linux/phy.h>
#include <linux/rtnetlink.h>
#include <linux/timer.h>

#include "phy_sim_shim.h"

struct phy_sim_bus {
	void *model;
	struct faux_device *faux;
	struct mii_bus *mii;
	/* The device tree, and what it was made from: nodes point into both. */
	void *blob;
	void *tree;
	struct device_node *root;
	int irq[PHY_MAX_ADDR];
	/* Fires an interrupt while nobody runs who could ask for it. */
	struct timer_list timer;
	int timer_irq;
	struct net_device *netdev[PHY_MAX_ADDR];
};

/* A clock that has whatever rate it is set to. */
struct phy_sim_clock {
	struct clk_hw hw;
	unsigned long rate;
};

static atomic_t phy_sim_ids = ATOMIC_INIT(0);

static unsigned long clock_recalc_rate(struct clk_hw *hw, unsigned long parent_rate)
{
	return container_of(hw, struct phy_sim_clock, hw)->rate;
}

static int clock_determine_rate(struct clk_hw *hw, struct clk_rate_request *req)
{
	return 0;
}

static int clock_set_rate(struct clk_hw *hw, unsigned long rate, unsigned long parent_rate)
{
	container_of(hw, struct phy_sim_clock, hw)->rate = rate;
	return 0;
}

static const struct clk_ops clock_ops = {
	.recalc_rate = clock_recalc_rate,
	.determine_rate = clock_determine_rate,
	.set_rate = clock_set_rate,
};

static int mii_read(struct mii_bus *mii, int addr, int regnum)
{
	struct phy_sim_bus *sim = mii->priv;

	return phy_sim_read(sim->model, addr, regnum);
}

static int mii_write(struct mii_bus *mii, int addr, int regnum, u16 val)
{
	struct phy_sim_bus *sim = mii->priv;

	return phy_sim_write(sim->model, addr, regnum, val);
}

static int netdev_open(struct net_device *netdev)
{
	phy_start(netdev->phydev);
	netif_start_queue(netdev);
	return 0;
}

static int netdev_stop(struct net_device *netdev)
{
	netif_stop_queue(netdev);
	phy_stop(netdev->phydev);
	return 0;
}

/* Frames go nowhere; they count, so that a test can see traffic. */
static netdev_tx_t netdev_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	dev_sw_netstats_tx_add(netdev, 1, skb->len);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops netdev_ops = {
	.ndo_open = netdev_open,
	.ndo_stop = netdev_stop,
	.ndo_start_xmit = netdev_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void netdev_get_wol(struct net_device *netdev, struct ethtool_wolinfo *wol)
{
	phy_ethtool_get_wol(netdev->phydev, wol);
}

static int netdev_set_wol(struct net_device *netdev, struct ethtool_wolinfo *wol)
{
	return phy_ethtool_set_wol(netdev->phydev, wol);
}

static const struct ethtool_ops netdev_ethtool_ops = {
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = phy_ethtool_get_link_ksettings,
	.set_link_ksettings = phy_ethtool_set_link_ksettings,
	.nway_reset = phy_ethtool_nway_reset,
	.get_wol = netdev_get_wol,
	.set_wol = netdev_set_wol,
};

/* phylib sets the carrier; this MAC has nothing to adjust. */
static void adjust_link(struct net_device *netdev)
{
}

static void fire_timer(struct timer_list *timer)
{
	struct phy_sim_bus *sim = timer_container_of(sim, timer, timer);

	generic_handle_irq_safe(sim->timer_irq);
}

struct phy_sim_bus *phy_sim_bus_new(void *model)
{
	struct phy_sim_bus *sim;
	char name[32];
	int i;

	sim = kzalloc_obj(*sim);
	if (!sim)
		return NULL;
	sim->model = model;
	for (i = 0; i < PHY_MAX_ADDR; i++)
		sim->irq[i] = PHY_POLL;
	timer_setup(&sim->timer, fire_timer, 0);

	snprintf(name, sizeof(name), "phy-sim-%d", atomic_inc_return(&phy_sim_ids));
	sim->faux = faux_device_create(name, NULL, NULL);
	if (!sim->faux) {
		kfree(sim);
		return NULL;
	}
	return sim;
}

static void free_dt(struct phy_sim_bus *sim)
{
	kfree(sim->tree);
	kfree(sim->blob);
	sim->tree = NULL;
	sim->blob = NULL;
	sim->root = NULL;
}

void phy_sim_bus_free(struct phy_sim_bus *sim)
{
	int addr;

	timer_shutdown_sync(&sim->timer);
	phy_sim_bus_stop(sim);
	for (addr = 0; addr < PHY_MAX_ADDR; addr++)
		if (sim->irq[addr] >= 0)
			irq_free_desc(sim->irq[addr]);
	faux_device_destroy(sim->faux);
	free_dt(sim);
	kfree(sim);
}

int phy_sim_bus_set_dt(struct phy_sim_bus *sim, const void *blob, size_t len)
{
	if (sim->mii)
		return -EBUSY;
	/* The kernel checks the rest, but does not know the length. */
	if (len < sizeof(struct fdt_header) || fdt_totalsize(blob) > len)
		return -EINVAL;

	free_dt(sim);
	sim->blob = kmemdup(blob, len, GFP_KERNEL);
	if (!sim->blob)
		return -ENOMEM;
	sim->tree = of_fdt_unflatten_tree(sim->blob, NULL, &sim->root);
	if (!sim->tree) {
		free_dt(sim);
		return -EINVAL;
	}
	return 0;
}

/* Gives the PHY's interrupt pin a number, which the bus hands to phylib. */
int phy_sim_bus_wire_irq(struct phy_sim_bus *sim, int addr)
{
	int irq;

	if (sim->mii || sim->irq[addr] >= 0)
		return -EBUSY;
	irq = irq_alloc_desc(NUMA_NO_NODE);
	if (irq < 0)
		return irq;
	irq_set_chip_and_handler(irq, &dummy_irq_chip, handle_simple_irq);
	irq_clear_status_flags(irq, IRQ_NOREQUEST);
	sim->irq[addr] = irq;
	return 0;
}

int phy_sim_bus_fire_irq(struct phy_sim_bus *sim, int addr)
{
	if (sim->irq[addr] < 0)
		return -ENXIO;
	return generic_handle_irq_safe(sim->irq[addr]);
}

/* As above, after so many milliseconds. */
int phy_sim_bus_fire_irq_later(struct phy_sim_bus *sim, int addr, unsigned int ms)
{
	if (sim->irq[addr] < 0)
		return -ENXIO;
	timer_delete_sync(&sim->timer);
	sim->timer_irq = sim->irq[addr];
	mod_timer(&sim->timer, jiffies + msecs_to_jiffies(ms));
	return 0;
}

/*
 * Gives the PHY a clock, by its name in the PHY's node, or whatever that is. No
 * phandle can name a provider: it would have to be in the system's own tree.
 */
int phy_sim_bus_clock(struct phy_sim_bus *sim, int addr, const char *name, unsigned long rate)
{
	struct device *dev = &sim->faux->dev;
	struct clk_init_data init = { .ops = &clock_ops };
	char clock_name[40], phy[MII_BUS_ID_SIZE];
	struct phy_sim_clock *clock;
	int ret;

	clock = devm_kzalloc(dev, sizeof(*clock), GFP_KERNEL);
	if (!clock)
		return -ENOMEM;
	snprintf(clock_name, sizeof(clock_name), "%s-clock-%d", dev_name(dev), addr);
	snprintf(phy, sizeof(phy), PHY_ID_FMT, dev_name(dev), addr);
	init.name = clock_name;
	clock->rate = rate;
	clock->hw.init = &init;
	ret = devm_clk_hw_register(dev, &clock->hw);
	if (ret)
		return ret;
	return devm_clk_hw_register_clkdev(dev, &clock->hw, name, phy);
}

/*
 * Waits for what phylib has to do with the PHY now: its interrupt, a pass of
 * its state machine, and what it has begun under the PHY's lock, as switching
 * a LED.
 */
int phy_sim_bus_settle(struct phy_sim_bus *sim, int addr)
{
	struct net_device *netdev = sim->netdev[addr];

	if (!netdev)
		return -ENODEV;
	if (sim->irq[addr] >= 0)
		synchronize_irq(sim->irq[addr]);
	flush_delayed_work(&netdev->phydev->state_queue);
	mutex_lock(&netdev->phydev->lock);
	mutex_unlock(&netdev->phydev->lock);
	return 0;
}

int phy_sim_bus_start(struct phy_sim_bus *sim)
{
	struct device_node *node = NULL, *mac = NULL;
	struct mii_bus *mii;
	int ret;

	if (sim->mii)
		return -EBUSY;
	if (sim->root) {
		node = of_get_child_by_name(sim->root, "mdio");
		mac = of_get_child_by_name(sim->root, "mac");
		if (!node && !mac)
			return -ENODEV;
	}
	mii = mdiobus_alloc();
	if (!mii) {
		of_node_put(node);
		of_node_put(mac);
		return -ENOMEM;
	}
	mii->name = "phy-sim";
	mii->priv = sim;
	mii->parent = &sim->faux->dev;
	mii->read = mii_read;
	mii->write = mii_write;
	snprintf(mii->id, MII_BUS_ID_SIZE, "%s", dev_name(&sim->faux->dev));
	memcpy(mii->irq, sim->irq, sizeof(mii->irq));

	/* The parent of the bus stands for the MAC. */
	device_set_node(&sim->faux->dev, of_fwnode_handle(mac));
	ret = of_mdiobus_register(mii, node);
	of_node_put(node);
	of_node_put(mac);
	if (ret) {
		device_set_node(&sim->faux->dev, NULL);
		mdiobus_free(mii);
		return ret;
	}
	sim->mii = mii;
	return 0;
}

void phy_sim_bus_stop(struct phy_sim_bus *sim)
{
	int addr;

	if (!sim->mii)
		return;
	for (addr = 0; addr < PHY_MAX_ADDR; addr++)
		if (sim->netdev[addr])
			phy_sim_bus_detach(sim, addr);
	mdiobus_unregister(sim->mii);
	mdiobus_free(sim->mii);
	sim->mii = NULL;
	device_set_node(&sim->faux->dev, NULL);
}

static int parse_mode(const char *text, phy_interface_t *mode)
{
	int i;

	for (i = 0; i < PHY_INTERFACE_MODE_MAX; i++) {
		if (!strcmp(phy_modes(i), text)) {
			*mode = i;
			return 0;
		}
	}
	return -EINVAL;
}

int phy_sim_bus_attach(struct phy_sim_bus *sim, int addr, const char *mode_name, u32 dev_flags)
{
	struct phy_device *phydev;
	struct net_device *netdev;
	phy_interface_t mode;
	int ret;

	ret = parse_mode(mode_name, &mode);
	if (ret)
		return ret;
	if (!sim->mii)
		return -ENODEV;
	if (sim->netdev[addr])
		return -EBUSY;
	phydev = mdiobus_get_phy(sim->mii, addr);
	if (!phydev)
		return -ENODEV;

	netdev = alloc_etherdev(0);
	if (!netdev)
		return -ENOMEM;
	SET_NETDEV_DEV(netdev, &sim->faux->dev);
	strscpy(netdev->name, "sim%d");
	netdev->netdev_ops = &netdev_ops;
	netdev->ethtool_ops = &netdev_ethtool_ops;
	netdev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	/* The same address in every run, so that runs can be compared. */
	eth_hw_addr_set(netdev, (const u8[ETH_ALEN]){ 2, 0x5e, 0x11, 0x22, 0x33, addr });

	/* Registered first: phylib links the two in sysfs. */
	rtnl_lock();
	ret = register_netdevice(netdev);
	if (!ret) {
		netif_carrier_off(netdev);
		phydev->dev_flags = dev_flags;
		ret = phy_connect_direct(netdev, phydev, adjust_link, mode);
		if (ret)
			unregister_netdevice(netdev);
	}
	rtnl_unlock();
	if (ret) {
		free_netdev(netdev);
		return ret;
	}
	sim->netdev[addr] = netdev;
	return 0;
}

int phy_sim_bus_detach(struct phy_sim_bus *sim, int addr)
{
	struct net_device *netdev = sim->netdev[addr];

	if (!netdev)
		return -ENODEV;
	rtnl_lock();
	dev_close(netdev);
	phy_disconnect(netdev->phydev);
	unregister_netdevice(netdev);
	rtnl_unlock();
	free_netdev(netdev);
	sim->netdev[addr] = NULL;
	return 0;
}

/* The network device's name now; user space may have changed it. */
const char *phy_sim_bus_netdev(struct phy_sim_bus *sim, int addr)
{
	return sim->netdev[addr] ? sim->netdev[addr]->name : NULL;
}

/* What a MAC does that has low power idle of its own. */
int phy_sim_bus_support_eee(struct phy_sim_bus *sim, int addr)
{
	struct net_device *netdev = sim->netdev[addr];

	if (!netdev)
		return -ENODEV;
	phy_support_eee(netdev->phydev);
	return 0;
}

/* As a MAC's self-test does; the speed is 0 for any. */
int phy_sim_bus_loopback(struct phy_sim_bus *sim, int addr, bool enable, int speed)
{
	struct net_device *netdev = sim->netdev[addr];

	return netdev ? phy_loopback(netdev->phydev, enable, speed) : -ENODEV;
}
